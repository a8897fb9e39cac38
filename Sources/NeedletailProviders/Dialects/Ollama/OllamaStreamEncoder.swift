import NIOCore
import NeedletailCore

/// Writes a client's stream. A call is sent whole, with the end of the reply: Ollama's arguments are an object.
struct OllamaStreamEncoder: StreamEncoder {
    private let options: StreamEncoderOptions
    private let kind: OllamaKind
    private var report: LossReport
    private var model: String
    private var time: String
    private var calls = WholeCalls()
    private var usage: Usage?
    private var stop: StopReason?
    private var isFinished = false

    var losses: [Loss] { self.report.losses }

    init(_ options: StreamEncoderOptions, _ kind: OllamaKind) {
        self.options = options
        self.kind = kind
        self.report = LossReport(options.source)
        self.model = options.model
        self.time = OllamaTime.text(options.created)
    }

    private var isOwn: Bool { self.options.source?.isOllama == true }

    mutating func encode(_ event: borrowing ChatEvent, into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        switch (copy event).showing(imagesIn: self.kind.dialect) {
        case .started(let start):
            if !start.model.isEmpty { self.model = start.model }
            if let created = start.created { self.time = OllamaTime.text(created) }
            if start.systemFingerprint != nil { self.report.lose(.systemFingerprint, Self.unsaid) }
            if start.serviceTier != nil { self.report.lose(.replyServiceTier, Self.unsaid) }
            // The first line commits; it says nothing yet.
            self.line(into: &out) { self.text("", into: &$0) }
        case .text(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.line(into: &out) { self.text(text, into: &$0) }
        case .refusal(let text, let choice):
            self.report.lose(.replyRefusal, Self.unsaid)
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.line(into: &out) { self.text(text, into: &$0) }
        case .reasoning(let text, let choice):
            guard self.isFirst(choice), !text.isEmpty else { return }
            self.line(into: &out) { self.text("", thinking: text, into: &$0) }
        case .logprobs(let logprobs, let choice):
            guard self.isFirst(choice) else { return }
            self.line(into: &out) { json in
                self.text("", into: &json)
                OllamaLogprobs.write(logprobs, into: &json)
            }
        case .toolCallStarted(let index, let id, let name, let isCustom, let choice):
            guard self.isFirst(choice) else { return }
            self.calls.start(index, id, name, isCustom: isCustom)
        case .toolCallArguments(let index, let fragment, let choice):
            guard self.isFirst(choice), !self.calls.extend(index, fragment) else { return }
            self.report.lose(.replyToolArguments, "There were more than a reply may have.")
        case .finished(let reason, let sequence, let choice):
            guard self.isFirst(choice), self.stop == nil else { return }
            self.stop = reason
            if sequence != nil { self.report.lose(.stopSequence, Self.unsaid) }
            self.writeCalls(into: &out)
        case .usage(let usage):
            self.usage = usage
            for field in ModelField.allCases where field != .replyTiming && usage.says(field) {
                self.report.lose(field, Self.unsaid)
            }
            if !self.isOwn { self.report.loseCounters(of: usage) }
        case .image(let part, let choice):
            guard self.isFirst(choice) else { return }
            guard self.kind == .chat, case .base64(_, let data) = part.source else {
                return self.report.lose(.replyImage, Self.unsaid)
            }
            self.line(into: &out) { json in
                json.key("message")
                json.beginObject()
                json.member("role", "assistant")
                json.member("content", "")
                json.key("images")
                json.beginArray()
                json.string(data)
                json.endArray()
                json.endObject()
            }
        case .blockEnded: break
        case .citation, .reasoningSignature, .redactedReasoning, .opaque, .audio:
            if let field = event.field { self.report.lose(field, Self.unsaid) }
        }
    }

    mutating func finish(into out: inout ByteBuffer) {
        guard !self.isFinished else { return }
        self.writeCalls(into: &out)
        self.isFinished = true
        let (word, isLossy) = OllamaDoneReason.word(self.stop, isOwn: self.isOwn)
        if isLossy { self.report.lose(.stopReason, "Ollama has no such done_reason.") }
        self.line(isLast: true, into: &out) { json in
            self.text("", into: &json)
            json.member("done_reason", word)
            OllamaUsage.write(self.usage, into: &json)
        }
    }

    private static let unsaid = "Ollama's replies have no such field."

    private mutating func isFirst(_ choice: Int) -> Bool {
        guard choice != 0 else { return true }
        self.report.lose(.replyChoices, "This dialect has one reply; the first was kept.")
        return false
    }

    private mutating func writeCalls(into out: inout ByteBuffer) {
        let calls = self.calls.take()
        guard !calls.isEmpty else { return }
        guard self.kind == .chat else {
            self.report.lose(.replyToolCalls, "A completion calls no tools.")
            return
        }
        var areObjects = true
        self.line(into: &out) { json in
            json.key("message")
            json.beginObject()
            json.member("role", "assistant")
            json.member("content", "")
            json.key("tool_calls")
            json.beginArray()
            for call in calls where !OllamaCall.write(call, into: &json) { areObjects = false }
            json.endArray()
            json.endObject()
        }
        if !areObjects { self.report.lose(.replyToolArguments, "Arguments are a JSON object.") }
    }

    private func text(_ text: String, thinking: String? = nil, into json: inout JSONWriter) {
        switch self.kind {
        case .generate:
            json.member("response", text)
            json.member("thinking", thinking)
        case .chat:
            json.key("message")
            json.beginObject()
            json.member("role", "assistant")
            json.member("content", text)
            json.member("thinking", thinking)
            json.endObject()
        }
    }

    private func line(isLast: Bool = false, into out: inout ByteBuffer, _ members: (inout JSONWriter) -> Void) {
        JSONWriter.append(to: &out, isOneLine: true) { json in
            json.beginObject()
            json.member("model", self.model)
            json.member("created_at", self.time)
            members(&json)
            json.member("done", isLast)
            json.endObject()
        }
        out.writeStaticString("\n")
    }
}
