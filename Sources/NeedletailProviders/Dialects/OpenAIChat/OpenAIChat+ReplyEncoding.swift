public import NIOCore
public import NeedletailCore

extension OpenAIChat {
    /// Writes a whole reply for a client.
    ///
    /// A refusal that the upstream gave as plain text goes into `refusal`, as OpenAI has it.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = OpenAIChatReplyEncoder(reply: reply)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(clock, into: &json)
        }
        return encoder.losses
    }
}

/// The state of writing one reply.
struct OpenAIChatReplyEncoder {
    let reply: ChatResponse
    var losses: [Loss] = []

    init(reply: ChatResponse) {
        self.reply = reply.showing(imagesIn: .openAIChat)
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.reply.source), reason)
    }

    mutating func encode(_ clock: Int64, into json: inout JSONWriter) {
        let isOwn = self.reply.source == .openAIChat
        json.beginObject()
        json.member("id", self.reply.id.isEmpty ? "chatcmpl-\(clock)" : self.reply.id)
        json.member("object", "chat.completion")
        json.key("created")
        json.int(self.reply.created ?? clock)
        json.member("model", self.reply.model)
        json.key("choices")
        json.beginArray()
        for choice in self.reply.choices { self.choice(choice, into: &json) }
        json.endArray()
        if let usage = self.reply.usage {
            json.key("usage")
            OpenAIChat.writeUsage(usage, extensions: isOwn, into: &json)
            if !isOwn { self.losses.addCounters(of: usage, self.reply.source) }
        }
        let tier = ServiceTier.said(self.reply.serviceTier, from: self.reply.source, to: .openAIChat)
        if tier.isLost { self.lose(.replyServiceTier, "OpenAI has no such tier") }
        json.member("service_tier", tier.word)
        json.member("system_fingerprint", self.reply.systemFingerprint)
        let (kept, lost) = self.reply.extensions.divided(isOwn: isOwn)
        kept.write(into: &json)
        for extra in lost { self.losses.add(extra, "chat completions have no such field") }
        json.endObject()
    }

    private mutating func choice(_ choice: ChatChoice, into json: inout JSONWriter) {
        var hasCalls = false
        for part in choice.content {
            if case .toolCall = part { hasCalls = true }
        }
        let finish = OpenAIChat.finishReason(
            choice.stopReason, hasCalls: hasCalls, legacy: self.reply.usesLegacyFunctions)
        if finish.isLossy { self.lose(.stopReason, "chat completions have no such finish_reason") }
        if choice.stopSequence != nil, self.reply.source != .openAIChat {
            self.lose(.stopSequence, "chat completions do not name the stop sequence")
        }
        json.beginObject()
        json.member("index", choice.index)
        json.key("message")
        self.message(choice, into: &json)
        json.key("logprobs")
        if let logprobs = choice.logprobs { json.raw(logprobs) } else { json.null() }
        json.member("finish_reason", finish.word)
        if self.reply.source == .openAIChat { json.member("stop_reason", choice.stopSequence) }
        json.endObject()
    }

    private mutating func message(_ choice: ChatChoice, into json: inout JSONWriter) {
        var text = ""
        var refusal: String?
        var calls: [ToolCall] = []
        var signatures: [Int: String] = [:]
        var reasoning: [ContentPart] = []
        var annotations: [JSONText] = []
        var audio: AudioPart?
        var images: [ImagePart] = []
        for (index, part) in choice.content.enumerated() {
            if !self.reply.usesLegacyFunctions, let signature = OpenAIChatCallSignature.at(index, in: choice.content) {
                signatures[calls.count] = signature
                continue
            }
            switch part {
            case .text(let part):
                let start = text.unicodeScalars.count
                text += part.text
                self.annotate(part, start, text, &annotations)
            case .refusal(let part): refusal = (refusal ?? "") + part
            case .toolCall(let call): calls.append(call)
            case .reasoning, .redactedReasoning: reasoning.append(part)
            case .audio(let part): audio = part
            case .opaque(let part): self.lose(.replyOpaque, "a part that only its own dialect knows: \(part.type)")
            case .image(let part): images.append(part)
            case .document, .toolResult: self.lose(.replyOpaque, "replies hold no such part")
            }
        }
        if choice.stopReason == .refusal, refusal == nil {
            refusal = text.isEmpty ? OpenAIChat.wordlessRefusal : text
            text = ""
        }
        json.beginObject()
        json.member("role", "assistant")
        json.key("content")
        if text.isEmpty, !calls.isEmpty || refusal != nil || audio != nil || !images.isEmpty {
            json.null()
        } else {
            json.string(text)
        }
        json.key("refusal")
        if let refusal { json.string(refusal) } else { json.null() }
        OpenAIChatMessageWriting.reasoning(reasoning, into: &json)
        if !annotations.isEmpty {
            json.key("annotations")
            json.beginArray()
            for annotation in annotations { json.raw(annotation) }
            json.endArray()
        }
        if let audio { Self.audio(audio, into: &json) }
        self.images(images, into: &json)
        self.calls(calls, signatures, into: &json)
        json.endObject()
    }

    private mutating func annotate(_ part: TextPart, _ start: Int, _ text: String, _ annotations: inout [JSONText]) {
        guard let citations = part.citations, let view = try? citations.view() else { return }
        for citation in view.elements {
            if part.citationDialect == .openAIChat {
                annotations.append(citation.text)
            } else if let page = WebCitation(
                citation, part.citationDialect, start: start, end: text.unicodeScalars.count)
            {
                annotations.append(page.chatAnnotation)
            } else {
                self.lose(.replyCitations, "annotations cite web pages only")
            }
        }
    }

    private mutating func calls(_ calls: [ToolCall], _ signatures: [Int: String], into json: inout JSONWriter) {
        guard let first = calls.first else { return }
        if self.reply.usesLegacyFunctions {
            OpenAIChatMessageWriting.functionCall(first, into: &json)
            if calls.count > 1 { self.lose(.legacyFunctions, "a function_call is one call") }
            return
        }
        json.key("tool_calls")
        json.beginArray()
        for (index, call) in calls.enumerated() {
            json.beginObject()
            OpenAIChatMessageWriting.callMembers(call, into: &json)
            OpenAIChatCallSignature.write(signatures[index], into: &json)
            json.endObject()
        }
        json.endArray()
    }

    private mutating func images(_ images: [ImagePart], into json: inout JSONWriter) {
        guard !images.isEmpty else { return }
        json.key("images")
        json.beginArray()
        var count = 0
        for image in images {
            if OpenAIChatContent.write(image, index: count, into: &json) {
                count += 1
            } else {
                self.lose(.replyImage, "an image is a data URL or any other")
            }
        }
        json.endArray()
    }

    private static func audio(_ audio: AudioPart, into json: inout JSONWriter) {
        json.key("audio")
        json.beginObject()
        json.member("id", audio.id)
        json.member("data", audio.data)
        json.member("transcript", audio.transcript)
        json.member("expires_at", audio.expiresAt)
        json.endObject()
    }
}
