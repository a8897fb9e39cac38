public import NIOCore
public import NeedletailCore

extension Gemini {
    /// Writes a whole reply for a client. Every call has an id, so that its result can name it.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse,
        created clock: Int64,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = GeminiReplyEncoder(reply)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(into: &json)
        }
        return encoder.losses
    }
}

/// The state of writing one reply.
struct GeminiReplyEncoder {
    private let reply: ChatResponse
    private(set) var losses: [Loss] = []

    private var isOwn: Bool { self.reply.source == .gemini }

    init(_ reply: ChatResponse) {
        self.reply = reply.showing(imagesIn: .gemini)
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.reply.source), reason)
    }

    mutating func encode(into json: inout JSONWriter) {
        json.beginObject()
        if !self.isBlocked {
            json.key("candidates")
            json.beginArray()
            for choice in self.reply.choices { self.choice(choice, &json) }
            json.endArray()
        }
        let tier = ServiceTier.said(self.reply.serviceTier, from: self.reply.source, to: .gemini)
        if tier.isLost || (tier.word != nil && self.reply.usage == nil) {
            self.lose(.replyServiceTier, "Google has no such tier.")
        }
        if let usage = self.reply.usage {
            json.key("usageMetadata")
            GeminiUsage.write(usage, serviceTier: tier.word, isOwn: self.isOwn, into: &json)
            for field in GeminiUsage.unspoken(of: usage) {
                self.lose(field, "This dialect does not count it by itself.")
            }
            if !self.isOwn { self.losses.addCounters(of: usage, self.reply.source) }
        }
        json.member("modelVersion", self.reply.model)
        json.member("responseId", self.reply.id)
        json.member("createTime", self.reply.created.map(OllamaTime.text))
        if self.reply.systemFingerprint != nil { self.lose(.systemFingerprint, "This dialect has no such field.") }
        let (kept, lost) = self.reply.extensions.divided(isOwn: self.isOwn)
        kept.write(into: &json)
        for extra in lost where !self.isOwn || !self.goesWithCandidate(extra) {
            self.losses.add(extra, "generateContent has no such field")
        }
        json.endObject()
    }

    /// A blocked prompt has no candidates, only its feedback, which is among the extensions.
    private var isBlocked: Bool {
        guard self.isOwn, self.reply.choices.first?.stopReason == .contentFilter,
            let feedback = self.reply.extensions.first(where: { $0.path == "promptFeedback" }),
            let view = try? feedback.value.view()
        else { return false }
        return GeminiBlock.reason(view) != nil
    }

    /// Fields of the one candidate can be written back.
    private func goesWithCandidate(_ extra: Extension) -> Bool {
        guard self.reply.choices.count == 1, extra.path.hasPrefix("candidates.") else { return false }
        return !extra.path.dropFirst("candidates.".count).utf8.contains(UInt8(ascii: "."))
    }

    private mutating func choice(_ choice: ChatChoice, _ json: inout JSONWriter) {
        var hasRefusal = false
        for case .refusal in choice.content { hasRefusal = true }
        let finish = GeminiFinishReason.write(choice.stopReason, hasRefusal: hasRefusal, isOwn: self.isOwn)
        if finish.isLossy { self.lose(.stopReason, "Google has no such reason.") }
        if choice.stopSequence != nil { self.lose(.stopSequence, "Google does not name the stop sequence.") }
        if hasRefusal { self.lose(.replyRefusal, "A refusal was sent as text.") }
        json.beginObject()
        json.key("content")
        json.beginObject()
        json.key("parts")
        json.beginArray()
        let citations = self.parts(choice.content, &json)
        json.endArray()
        json.member("role", "model")
        json.endObject()
        json.member("finishReason", finish.word)
        json.member("index", choice.index)
        if !citations.isEmpty { GeminiReplyWriting.citations(citations, &json) }
        if let logprobs = choice.logprobs { GeminiLogprobs.write(logprobs, into: &json) }
        for extra in self.reply.extensions where self.isOwn && self.goesWithCandidate(extra) {
            json.key(String(extra.path.dropFirst("candidates.".count)))
            json.raw(extra.value)
        }
        json.endObject()
    }

    /// Writes parts and returns the citations of their text.
    private mutating func parts(_ content: [ContentPart], _ json: inout JSONWriter) -> [JSONText] {
        var callSignature: String?
        var text = GeminiTextOffsets()
        var citations: [JSONText] = []
        for (index, part) in content.enumerated() {
            switch part {
            case .text(let part):
                let start = text.count
                text.append(part.text)
                GeminiReplyWriting.text(part.text, isThought: false, nil, &json)
                citations += self.citations(part, text, from: start)
            case .refusal(let refusal):
                text.append(refusal)
                GeminiReplyWriting.text(refusal, isThought: false, nil, &json)
            case .reasoning(let part) where part.text.isEmpty:
                if index + 1 < content.count, case .toolCall = content[index + 1] {
                    callSignature = part.signature
                } else {
                    GeminiReplyWriting.text("", isThought: false, part.signature, &json)
                }
            case .reasoning(let part): GeminiReplyWriting.text(part.text, isThought: true, part.signature, &json)
            case .redactedReasoning: self.lose(.replyRedacted, "Only its own provider can read it.")
            case .toolCall(let call):
                if call.isCustom { self.lose(.replyOpaque, "A call with free text was sent as {\"input\": …}.") }
                if GeminiReplyWriting.arguments(call.arguments, isCustom: call.isCustom) == nil {
                    self.lose(.replyToolArguments, "The arguments are no JSON object and were left out.")
                }
                GeminiReplyWriting.call(call, callSignature, &json)
                callSignature = nil
            case .image(let part):
                if case .base64(let mediaType, let data) = part.source {
                    GeminiReplyWriting.inline(mediaType, data, &json)
                } else {
                    self.lose(.replyImage, "An image that is somewhere else.")
                }
            case .document(let part):
                if case .base64(let mediaType, let data) = part.source {
                    GeminiReplyWriting.inline(mediaType, data, &json)
                } else {
                    self.lose(.replyOpaque, "A document that is somewhere else.")
                }
            case .audio(let part):
                if part.data.isEmpty {
                    self.lose(.replyAudio, "Sound that is somewhere else.")
                } else {
                    GeminiReplyWriting.inline(GeminiMedia.type(ofFormat: part.format), part.data, &json)
                    if part.transcript != nil { self.lose(.replyAudio, "Sound has no transcript.") }
                }
            case .opaque(let part):
                if part.dialect == .gemini {
                    json.raw(part.json)
                } else {
                    self.lose(.replyOpaque, "A part of type \(part.type) has no counterpart.")
                }
            case .toolResult: self.lose(.replyOpaque, "Replies hold no results.")
            }
        }
        return citations
    }

    private mutating func citations(_ part: TextPart, _ text: GeminiTextOffsets, from start: Int) -> [JSONText] {
        guard let citations = part.citations, let list = try? citations.view() else { return [] }
        // Google's own are among the fields of the candidate.
        if self.isOwn { return [] }
        var sources: [JSONText] = []
        for citation in list.elements {
            let source = GeminiCitations.source(citation.text, part.citationDialect, text: text, from: start)
            if let source { sources.append(source) } else { self.lose(.replyCitations, "Only pages are cited.") }
        }
        return sources
    }
}

/// What replies and chunks are made of.
enum GeminiReplyWriting {
    static func text(_ text: String, isThought: Bool, _ signature: String?, _ json: inout JSONWriter) {
        json.beginObject()
        json.member("text", text)
        if isThought { json.member("thought", true) }
        json.member("thoughtSignature", signature.map(GeminiSignature.write))
        json.endObject()
    }

    static func call(_ call: ToolCall, _ signature: String?, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("functionCall")
        json.beginObject()
        json.member("id", call.id)
        json.member("name", call.name)
        json.key("args")
        json.raw(self.arguments(call.arguments, isCustom: call.isCustom) ?? JSONText(unchecked: "{}"))
        json.endObject()
        json.member("thoughtSignature", signature.map(GeminiSignature.write))
        json.endObject()
    }

    /// Arguments as an object; `nil` if they are none.
    static func arguments(_ arguments: String, isCustom: Bool) -> JSONText? {
        guard isCustom else { return ToolArguments.object(arguments) }
        var json = JSONWriter()
        json.beginObject()
        json.member("input", arguments)
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    static func inline(_ mediaType: String, _ data: String, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("inlineData")
        json.beginObject()
        json.member("mimeType", mediaType)
        json.member("data", data)
        json.endObject()
        json.endObject()
    }

    static func citations(_ sources: [JSONText], _ json: inout JSONWriter) {
        json.key("citationMetadata")
        json.beginObject()
        json.key("citationSources")
        json.beginArray()
        for source in sources { json.raw(source) }
        json.endArray()
        json.endObject()
    }
}
