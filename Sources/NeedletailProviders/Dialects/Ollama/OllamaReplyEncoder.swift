import NeedletailCore

/// The state of writing one whole reply for a client.
struct OllamaReplyEncoder {
    private let reply: ChatResponse
    private let kind: OllamaKind
    private(set) var report: LossReport

    init(_ reply: ChatResponse, _ kind: OllamaKind) {
        self.reply = reply.showing(imagesIn: kind.dialect)
        self.kind = kind
        self.report = LossReport(reply.source)
    }

    mutating func encode(_ clock: Int64, into json: inout JSONWriter) {
        let reply = self.reply
        let isOwn = reply.source?.isOllama == true
        let carried: Set<ModelField> =
            self.kind == .chat
            ? [.replyReasoning, .replyLogprobs, .stopReason, .replyToolCalls, .replyImage, .replyTiming]
            : [.replyReasoning, .replyLogprobs, .stopReason, .replyTiming]
        self.report.loseSaid(ModelField.reply.subtracting(carried), of: reply, "Ollama's replies have no such field.")
        let choice = reply.choices.first ?? ChatChoice()
        json.beginObject()
        json.member("model", reply.model)
        json.member("created_at", OllamaTime.text(reply.created ?? clock))
        self.content(choice, into: &json)
        json.member("done", true)
        json.member("done_reason", self.doneReason(choice.stopReason))
        OllamaUsage.write(reply.usage, into: &json)
        OllamaLogprobs.write(choice.logprobs, into: &json)
        let (kept, lost) = reply.extensions.divided(isOwn: isOwn)
        kept.write(into: &json)
        for extra in lost { self.report.lose(extra, "Ollama's replies have no such field.") }
        if !isOwn { self.report.loseCounters(of: reply.usage) }
        json.endObject()
    }

    private mutating func content(_ choice: ChatChoice, into json: inout JSONWriter) {
        var text = ""
        var thinking = ""
        var calls: [ToolCall] = []
        var images: [String] = []
        for part in choice.content {
            switch part {
            case .text(let part): text += part.text
            case .refusal(let part): text += part
            case .reasoning(let part): thinking += part.text
            case .toolCall(let call): calls.append(call)
            case .image(let image):
                guard self.kind == .chat else { continue }  // reported already
                guard case .base64(_, let data) = image.source else {
                    self.report.lose(.replyImage, "An image that is somewhere else.")
                    continue
                }
                images.append(data)
            case .document, .audio, .toolResult, .redactedReasoning, .opaque: break  // reported already
            }
        }
        switch self.kind {
        case .generate:
            json.member("response", text)
            if !thinking.isEmpty { json.member("thinking", thinking) }
        case .chat:
            json.key("message")
            json.beginObject()
            json.member("role", "assistant")
            json.member("content", text)
            if !thinking.isEmpty { json.member("thinking", thinking) }
            if !images.isEmpty {
                json.key("images")
                json.beginArray()
                for image in images { json.string(image) }
                json.endArray()
            }
            if !calls.isEmpty {
                json.key("tool_calls")
                json.beginArray()
                for call in calls where !OllamaCall.write(call, into: &json) {
                    self.report.lose(.replyToolArguments, "Arguments are a JSON object, and these are none.")
                }
                json.endArray()
            }
            json.endObject()
        }
    }

    private mutating func doneReason(_ reason: StopReason?) -> String {
        let (word, isLossy) = OllamaDoneReason.word(reason, isOwn: self.reply.source?.isOllama == true)
        if isLossy { self.report.lose(.stopReason, "Ollama has no such done_reason.") }
        return word
    }
}

/// Why a reply ended, in Ollama's words.
enum OllamaDoneReason {
    /// The word, and whether something is lost by it.
    static func word(_ reason: StopReason?, isOwn: Bool) -> (word: String, isLossy: Bool) {
        switch reason {
        case .endTurn, .stopSequence, .toolCalls, nil: ("stop", false)
        case .maxTokens, .contextWindow: ("length", false)
        case .contentFilter, .refusal, .pauseTurn: ("stop", true)
        case .other(let word): isOwn ? (word, false) : ("stop", true)
        }
    }
}
