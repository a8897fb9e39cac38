public import NIOCore
public import NeedletailCore

extension BedrockConverse {
    /// Writes a whole reply for a client.
    public static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = BedrockReplyWriter(reply)
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in writer.write(&json) }
        return writer.losses
    }
}

/// Writes one reply.
struct BedrockReplyWriter {
    private let reply: ChatResponse
    private let isOwn: Bool
    private var hasCalls = false
    /// What could not be carried, in the words of the reply's dialect.
    private(set) var losses: [Loss] = []

    init(_ reply: ChatResponse) {
        self.reply = reply.showing(imagesIn: .bedrockConverse)
        self.isOwn = reply.source == .bedrockConverse
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.reply.source), reason)
    }

    mutating func write(_ json: inout JSONWriter) {
        let reply = self.reply
        if reply.choices.count > 1 { self.lose(.replyChoices, "This dialect has one reply; the first was kept.") }
        let choice = reply.choices.first ?? ChatChoice()
        if choice.logprobs != nil { self.lose(.replyLogprobs, "This dialect has no log probabilities.") }
        if reply.systemFingerprint != nil { self.lose(.systemFingerprint, "This dialect has no such field.") }
        json.beginObject()
        json.key("output")
        json.beginObject()
        json.key("message")
        json.beginObject()
        json.member("role", "assistant")
        json.key("content")
        json.beginArray()
        for part in choice.content { self.write(part, &json) }
        json.endArray()
        json.endObject()
        json.endObject()
        json.member(
            "stopReason", BedrockStopReason.word(choice.stopReason, hasCalls: self.hasCalls, isOwn: self.isOwn))
        if let reason = choice.stopReason, Self.isTold(reason, isOwn: self.isOwn) == false {
            self.lose(.stopReason, "This dialect has no word for it.")
        }
        json.key("usage")
        BedrockUsage.write(reply.usage ?? Usage(), isOwn: self.isOwn, into: &json)
        if !self.isOwn { self.losses.addCounters(of: reply.usage, reply.source) }
        for field in BedrockUsage.unspoken(of: reply.usage) {
            self.lose(field, "This dialect does not count it by itself.")
        }
        let said = ServiceTier.said(reply.serviceTier, from: reply.source, to: .bedrockConverse)
        if said.isLost { self.lose(.replyServiceTier, "Amazon has no such tier.") }
        if let tier = said.word {
            json.key("serviceTier")
            json.beginObject()
            json.member("type", tier)
            json.endObject()
        }
        self.writeExtensions(stopSequence: choice.stopSequence, &json)
        json.endObject()
    }

    /// Whether a reason to stop has a word here; a refusal counts as filtered.
    static func isTold(_ reason: StopReason, isOwn: Bool) -> Bool {
        switch reason {
        case .pauseTurn: false
        case .other: isOwn
        default: true
        }
    }

    private mutating func writeExtensions(stopSequence: String?, _ json: inout JSONWriter) {
        let prefix = "additionalModelResponseFields."
        let own = self.isOwn ? self.reply.extensions : []
        let fields = own.filter { $0.path.hasPrefix(prefix) && !$0.path.dropFirst(prefix.count).contains(".") }
        if stopSequence != nil || !fields.isEmpty {
            json.key("additionalModelResponseFields")
            json.beginObject()
            json.member("stop_sequence", stopSequence)
            for field in fields {
                json.key(String(field.path.dropFirst(prefix.count)))
                json.raw(field.value)
            }
            json.endObject()
        }
        let (kept, lost) = self.reply.extensions.filter { !fields.contains($0) }.divided(isOwn: self.isOwn)
        kept.write(into: &json)
        for field in lost { self.losses.add(field, "The field has no counterpart.") }
        guard !own.contains(where: { $0.path == "metrics" }) else { return }
        BedrockUsage.writeMetrics(self.reply.usage, into: &json)
    }

    private mutating func write(_ part: ContentPart, _ json: inout JSONWriter) {
        switch part {
        case .text(let part):
            var writer = BedrockContentWriter(source: self.reply.source)
            var text = part
            if text.citations != nil, text.citationDialect != .bedrockConverse {
                self.lose(.replyCitations, "Sources of another dialect have no counterpart.")
                text.citations = nil
            }
            text.cacheMarker = nil
            writer.writeText(text, &json)
        case .refusal(let text):
            self.lose(.replyRefusal, "A refusal was sent as text.")
            json.beginObject()
            json.member("text", text)
            json.endObject()
        case .toolCall(let call): self.writeCall(call, &json)
        case .reasoning(let part): BedrockContentWriter.writeReasoning(part, &json)
        case .redactedReasoning(let data): BedrockContentWriter.writeRedacted(data, &json)
        case .opaque(let part):
            if part.dialect == .bedrockConverse {
                json.raw(part.json)
            } else {
                self.lose(.replyOpaque, "The part has no counterpart.")
            }
        case .audio: self.lose(.replyAudio, "This dialect has no sound in replies.")
        case .image(let part):
            guard let (format, data) = BedrockMediaFormat.image(part) else {
                return self.lose(.replyImage, "An image of a reply is PNG, JPEG, GIF or WebP, and in it.")
            }
            BedrockMediaFormat.write(format, data, &json)
        case .document: self.lose(.replyOpaque, "Replies of this dialect have no documents.")
        case .toolResult: self.lose(.replyOpaque, "A reply holds no tool results.")
        }
    }

    private mutating func writeCall(_ call: ToolCall, _ json: inout JSONWriter) {
        self.hasCalls = true
        var input = call.isCustom ? BedrockContentWriter.wrapped(call.arguments) : ToolArguments.object(call.arguments)
        if input == nil {
            // The model wrote no JSON object. The call stands, so that the client's tool can say what it misses.
            input = JSONText(unchecked: "{}")
            self.lose(.replyToolArguments, "The arguments are no JSON object and were left out.")
        }
        guard let input else { return }
        BedrockContentWriter.writeCall(id: call.id, name: call.name, input: input, &json)
    }
}
