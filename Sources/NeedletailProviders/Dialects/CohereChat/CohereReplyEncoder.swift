import NeedletailCore

/// The state of writing one whole reply for a client.
struct CohereReplyEncoder {
    private let reply: ChatResponse
    private let isOwn: Bool
    private(set) var report: LossReport

    init(_ reply: ChatResponse) {
        self.reply = reply
        self.isOwn = reply.source == .cohereChat
        self.report = LossReport(reply.source)
    }

    mutating func encode(into json: inout JSONWriter) {
        let reply = self.reply
        let carried = CohereChat.replyFields.union([.stopReason])
        self.report.loseSaid(
            ModelField.reply.subtracting(carried).subtracting([.replyOpaque]), of: reply,
            "Cohere's replies have no such field.")
        let choice = reply.choices.first ?? ChatChoice()
        let hasCalls = choice.content.contains { if case .toolCall = $0 { true } else { false } }
        let (word, isLossy) = CohereFinishReason.word(choice.stopReason, hasCalls: hasCalls, isOwn: self.isOwn)
        if isLossy { self.report.lose(.stopReason, "Cohere has no such finish_reason.") }
        json.beginObject()
        json.member("id", reply.id)
        json.member("finish_reason", word)
        json.key("message")
        self.message(choice, into: &json)
        if let usage = reply.usage {
            json.key("usage")
            CohereUsage.write(usage, isOwn: self.isOwn, into: &json)
            if !self.isOwn { self.report.loseCounters(of: usage) }
        }
        if let logprobs = choice.logprobs {
            json.key("logprobs")
            json.beginArray()
            for piece in CohereLogprobs.pieces(logprobs) { json.raw(piece) }
            json.endArray()
        }
        let (kept, lost) = reply.extensions.divided(isOwn: self.isOwn)
        kept.write(into: &json)
        for extra in lost { self.report.lose(extra, "Cohere's replies have no such field.") }
        json.endObject()
    }

    private mutating func message(_ choice: ChatChoice, into json: inout JSONWriter) {
        var thinking = ""
        var text = ""
        var calls: [ToolCall] = []
        var citations: [JSONText] = []
        var own: [JSONText] = []
        for part in choice.content {
            switch part {
            case .text(let part):
                self.cite(part, text, &citations)
                text += part.text
            case .refusal(let part): text += part
            case .reasoning(let part): thinking += part.text
            case .toolCall(let call): calls.append(call)
            case .opaque(let part) where part.dialect == .cohereChat: own.append(part.json)
            case .opaque(let part):
                self.report.lose(.replyOpaque, "A part that only its own dialect knows: \(part.type).")
            case .document, .toolResult: self.report.lose(.replyOpaque, "Replies hold no such part.")
            case .audio, .image, .redactedReasoning: break  // reported already
            }
        }
        json.beginObject()
        json.member("role", "assistant")
        if !text.isEmpty || !thinking.isEmpty || !own.isEmpty || calls.isEmpty {
            json.key("content")
            json.beginArray()
            if !thinking.isEmpty { Self.item("thinking", thinking, into: &json) }
            if !text.isEmpty || (thinking.isEmpty && calls.isEmpty) { Self.item("text", text, into: &json) }
            for item in own { json.raw(item) }
            json.endArray()
        }
        if !citations.isEmpty {
            json.key("citations")
            json.beginArray()
            for citation in citations { json.raw(citation) }
            json.endArray()
        }
        CohereCall.write(calls, into: &json)
        json.endObject()
    }

    private mutating func cite(_ part: TextPart, _ before: String, _ citations: inout [JSONText]) {
        guard let list = try? part.citations?.view() else { return }
        for citation in list.elements {
            if let converted = CohereCitation.convert(
                citation, part.citationDialect, text: part.text, start: before.unicodeScalars.count)
            {
                citations.append(converted)
            } else {
                self.report.lose(.replyCitations, "A citation that has no counterpart.")
            }
        }
    }

    private static func item(_ type: StaticString, _ text: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("type", type.description)
        json.member(type, text)
        json.endObject()
    }
}
