public import NIOCore
public import NeedletailCore

extension AnthropicMessages {
    /// Writes a whole reply for a client.
    public static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = AnthropicReplyWriter(reply)
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in writer.write(&json, clock: clock) }
        return writer.losses
    }
}

/// Writes one reply.
struct AnthropicReplyWriter {
    private let reply: ChatResponse
    private let isOwn: Bool
    private var hasCalls = false
    private var hasRefusal = false
    /// What could not be carried, in the words of the reply's dialect.
    private(set) var losses: [Loss] = []

    init(_ reply: ChatResponse) {
        self.reply = reply
        self.isOwn = reply.source == .anthropicMessages
    }

    mutating func write(_ json: inout JSONWriter, clock: Int64) {
        let reply = self.reply
        if reply.choices.count > 1 { self.lose(.replyChoices, "This dialect has one reply; the first was kept.") }
        let choice = reply.choices.first ?? ChatChoice()
        if choice.logprobs != nil { self.lose(.replyLogprobs, "This dialect has no log probabilities.") }
        if reply.systemFingerprint != nil { self.lose(.systemFingerprint, "This dialect has no such field.") }
        json.beginObject()
        json.member("id", reply.id.isEmpty ? "msg_\(clock)" : reply.id)
        json.member("type", "message")
        json.member("role", "assistant")
        json.member("model", reply.model)
        json.key("content")
        json.beginArray()
        for part in choice.content { self.write(part, &json) }
        json.endArray()
        let stop = AnthropicStopReason.word(
            choice.stopReason,
            hasStopSequence: choice.stopSequence != nil,
            hasCalls: self.hasCalls,
            hasRefusal: self.hasRefusal,
            isOwn: self.isOwn
        )
        if stop.isLossy { self.lose(.stopReason, "This dialect has no word for it.") }
        json.member("stop_reason", stop.word)
        json.key("stop_sequence")
        if let sequence = choice.stopSequence { json.string(sequence) } else { json.null() }
        json.key("usage")
        let tier = ServiceTier.said(reply.serviceTier, from: reply.source, to: .anthropicMessages)
        if tier.isLost { self.lose(.replyServiceTier, "Anthropic has no such tier.") }
        AnthropicUsage.write(
            reply.usage ?? Usage(), serviceTier: tier.word, isOwn: self.isOwn, into: &json)
        self.losses.addCounters(of: AnthropicUsage.unwritten(of: reply.usage, isOwn: self.isOwn), reply.source)
        for field in AnthropicUsage.unspoken(of: reply.usage) {
            self.lose(field, "This dialect does not count it by itself.")
        }
        let (kept, lost) = reply.extensions.divided(isOwn: self.isOwn)
        kept.write(into: &json)
        for field in lost { self.losses.add(field, "The field has no counterpart.") }
        json.endObject()
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.reply.source), reason)
    }

    private mutating func write(_ part: ContentPart, _ json: inout JSONWriter) {
        switch part {
        case .text(let part): self.writeText(part, &json)
        case .refusal(let text):
            self.hasRefusal = true
            self.writeText(TextPart(text), &json)
        case .toolCall(let call): self.writeCall(call, &json)
        case .reasoning(let part):
            json.beginObject()
            json.member("type", "thinking")
            json.member("thinking", part.text)
            json.member("signature", part.signature ?? "")
            json.endObject()
        case .redactedReasoning(let data):
            json.beginObject()
            json.member("type", "redacted_thinking")
            json.member("data", data)
            json.endObject()
        case .opaque(let part):
            if part.dialect == .anthropicMessages {
                json.raw(part.json)
            } else {
                self.lose(.replyOpaque, "The part has no counterpart.")
            }
        case .audio: self.lose(.replyAudio, "This dialect has no sound.")
        case .image: self.lose(.replyImage, "Replies of this dialect have no images.")
        case .document: self.lose(.replyOpaque, "Replies of this dialect have no documents.")
        case .toolResult: self.lose(.replyOpaque, "A reply holds no tool results.")
        }
    }

    private mutating func writeText(_ part: TextPart, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "text")
        json.member("text", part.text)
        if part.citations != nil, part.citationDialect == .anthropicMessages {
            json.member("citations", part.citations)
        } else if part.citations != nil {
            // Anthropic's sources carry an encrypted index that only its own search makes.
            self.lose(.replyCitations, "Sources of another dialect have no counterpart.")
        }
        json.endObject()
    }

    private mutating func writeCall(_ call: ToolCall, _ json: inout JSONWriter) {
        self.hasCalls = true
        json.beginObject()
        json.member("type", "tool_use")
        json.member("id", call.id)
        json.member("name", call.name)
        json.key("input")
        if call.isCustom {
            json.beginObject()
            json.member("input", call.arguments)
            json.endObject()
        } else if let input = ToolArguments.object(call.arguments) {
            json.raw(input)
        } else {
            // The model wrote no JSON object. The call stands, so that the client's tool can say what it misses.
            json.raw(JSONText(unchecked: "{}"))
            self.lose(.replyToolArguments, "The arguments are no JSON object and were left out.")
        }
        json.endObject()
    }
}
