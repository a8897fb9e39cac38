import NeedletailCore

/// The state of writing one whole reply for a client.
struct CompletionsReplyEncoder {
    private let reply: ChatResponse
    private let isOwn: Bool
    private(set) var report: LossReport

    init(_ reply: ChatResponse) {
        self.reply = reply
        self.isOwn = reply.source == .openAICompletions
        self.report = LossReport(reply.source)
    }

    mutating func encode(_ clock: Int64, into json: inout JSONWriter) {
        let reply = self.reply
        let carried = OpenAICompletions.replyFields.union([.stopReason] + (self.isOwn ? [.stopSequence] : []))
        self.report.loseSaid(
            ModelField.reply.subtracting(carried), of: reply, "Completions have no such field.")
        json.beginObject()
        json.member("id", reply.id)
        json.member("object", "text_completion")
        json.key("created")
        json.int(reply.created ?? clock)
        json.member("model", reply.model)
        json.key("choices")
        json.beginArray()
        for choice in reply.choices { self.choice(choice, into: &json) }
        json.endArray()
        if let usage = reply.usage {
            json.key("usage")
            OpenAIChat.writeUsage(usage, extensions: self.isOwn || reply.source == .openAIChat, into: &json)
            if !self.isOwn, reply.source != .openAIChat { self.report.loseCounters(of: usage) }
        }
        json.member("system_fingerprint", reply.systemFingerprint)
        let (kept, lost) = reply.extensions.divided(isOwn: self.isOwn)
        kept.write(into: &json)
        for extra in lost { self.report.lose(extra, "Completions have no such field.") }
        json.endObject()
    }

    private mutating func choice(_ choice: ChatChoice, into json: inout JSONWriter) {
        var text = ""
        var hasRefusal = false
        for part in choice.content {
            switch part {
            case .text(let part): text += part.text
            case .refusal(let part):
                text += part
                hasRefusal = true
            default: break  // reported already
            }
        }
        let (word, isLossy) = CompletionsFinishReason.word(choice.stopReason, hasRefusal: hasRefusal)
        if isLossy { self.report.lose(.stopReason, "Completions have no such finish_reason.") }
        var offset = 0
        json.beginObject()
        json.member("text", text)
        json.member("index", choice.index)
        json.key("logprobs")
        if let logprobs = choice.logprobs.flatMap({ CompletionsLogprobs.legacy($0, offset: &offset) }) {
            json.raw(logprobs)
        } else {
            json.null()
        }
        json.member("finish_reason", word)
        if self.isOwn { json.member("stop_reason", choice.stopSequence) }
        json.endObject()
    }
}

/// Why a reply ended: three words here.
enum CompletionsFinishReason {
    /// The word, and whether something is lost by it. What was declined was filtered, as far as completions can say.
    static func word(_ reason: StopReason?, hasRefusal: Bool) -> (word: String, isLossy: Bool) {
        switch reason {
        case .endTurn, .stopSequence, nil: (hasRefusal ? "content_filter" : "stop", false)
        case .maxTokens, .contextWindow: ("length", false)
        case .contentFilter, .refusal: ("content_filter", false)
        case .toolCalls, .pauseTurn, .other: (hasRefusal ? "content_filter" : "stop", true)
        }
    }
}
