import NIOCore
import NeedletailCore

/// Writes a client's stream: chunks of text, each with its choice's number; the usage last, for a client that asked.
struct CompletionsStreamEncoder: StreamEncoder {
    private struct Choice {
        var hasRefusal = false
        /// Where the next log probabilities belong in the text.
        var offset = 0
    }

    private let options: StreamEncoderOptions
    private var report: LossReport
    private var start = StreamStart(id: "", model: "")
    private var choices: [Int: Choice] = [:]
    private var usage: Usage?

    var losses: [Loss] { self.report.losses }

    init(_ options: StreamEncoderOptions) {
        self.options = options
        self.report = LossReport(options.source)
    }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        switch copy event {
        case .started(let start):
            self.start = start
            if start.serviceTier != nil { self.report.lose(.replyServiceTier, Self.unsaid) }
            // The first chunk commits; it says nothing yet.
            self.chunk("", 0, into: &out)
        case .text(let text, let choice):
            guard !text.isEmpty else { return }
            self.chunk(text, choice, into: &out)
        case .refusal(let text, let choice):
            self.choices[choice, default: Choice()].hasRefusal = true
            guard !text.isEmpty else { return }
            self.chunk(text, choice, into: &out)
        case .logprobs(let logprobs, let choice):
            var offset = self.choices[choice]?.offset ?? 0
            guard let legacy = CompletionsLogprobs.legacy(logprobs, offset: &offset) else { return }
            self.choices[choice, default: Choice()].offset = offset
            self.chunk("", choice, logprobs: legacy, into: &out)
        case .finished(let reason, let sequence, let choice):
            let (word, isLossy) = CompletionsFinishReason.word(
                reason, hasRefusal: self.choices[choice]?.hasRefusal ?? false)
            if isLossy { self.report.lose(.stopReason, "Completions have no such finish_reason.") }
            if sequence != nil { self.report.lose(.stopSequence, Self.unsaid) }
            self.chunk("", choice, finish: word, into: &out)
        case .usage(let usage):
            self.usage = usage
            self.report.loseCounters(of: usage)
        case .toolCallArguments, .blockEnded: break
        case .reasoning, .reasoningSignature, .redactedReasoning, .citation, .opaque, .audio, .image, .toolCallStarted:
            if let field = event.field { self.report.lose(field, Self.unsaid) }
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        if self.options.includesUsage, let usage = self.usage {
            self.object(into: &out) { json in
                json.key("choices")
                json.beginArray()
                json.endArray()
                json.key("usage")
                OpenAIChat.writeUsage(usage, extensions: false, into: &json)
            }
        }
        out.writeStaticString("data: [DONE]\n\n")
    }

    private static let unsaid = "Completions have no such field."

    private func chunk(
        _ text: String, _ choice: Int, logprobs: JSONText? = nil, finish: String? = nil, into out: inout ByteBuffer
    ) {
        self.object(into: &out) { json in
            json.key("choices")
            json.beginArray()
            json.beginObject()
            json.member("text", text)
            json.member("index", choice)
            json.key("logprobs")
            if let logprobs { json.raw(logprobs) } else { json.null() }
            json.key("finish_reason")
            if let finish { json.string(finish) } else { json.null() }
            json.endObject()
            json.endArray()
            guard self.options.includesUsage else { return }
            json.key("usage")
            json.null()
        }
    }

    private func object(into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        out.writeStaticString("data: ")
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            json.member("id", self.start.id.isEmpty ? self.options.replyID : self.start.id)
            json.member("object", "text_completion")
            json.key("created")
            json.int(self.start.created ?? self.options.created)
            json.member("model", self.start.model.isEmpty ? self.options.model : self.start.model)
            json.member("system_fingerprint", self.start.systemFingerprint)
            members(&json)
            json.endObject()
        }
        out.writeStaticString("\n\n")
    }
}
