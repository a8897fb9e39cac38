public import NIOCore
public import NeedletailCore

extension OpenAIChat {
    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
        if let failure = self.failure(inside: root) { throw failure }
        guard root.kind == .object, let choices = root.present("choices"), choices.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no choices.")
        }
        if let failure = self.failure(inChoices: choices) { throw failure }
        var reply = ChatResponse(
            id: root.present("id")?.string ?? "",
            model: root.present("model")?.string ?? "",
            usage: self.usage(in: root)
        )
        reply.source = .openAIChat
        for (position, choice) in choices.elements.enumerated() {
            reply.choices.append(try self.choice(choice, position, &reply))
        }
        var read: [StaticString] = reply.usage?.timing == nil ? [] : self.timeMembers
        var isCited = !reply.choices.isEmpty
        for index in reply.choices.indices where !OpenAIChatSources.cite(root, in: &reply.choices[index]) {
            isCited = false
        }
        if isCited { read += OpenAIChatSources.read(root) }
        for member in root.members where !member.value.isNull {
            switch member.key {
            case "id", "model", "choices", "usage", "object": break
            case "created": reply.created = member.value.int.map { Int64($0) }
            case "service_tier": reply.serviceTier = self.nonEmpty(member.value)
            case "system_fingerprint": reply.systemFingerprint = self.nonEmpty(member.value)
            case "x_groq":
                reply.extensions.append(Extension("x_groq", member.value.text, isRead: true))
                reply.extensions.keepUnknown(member.value, known: ["id", "usage"], path: "x_groq")
            case let key:
                let isRead = read.contains { member.hasKey($0) }
                reply.extensions.append(Extension(key, member.value.text, isRead: isRead))
            }
        }
        return reply
    }

    /// The string, unless there is nothing in it.
    static func nonEmpty(_ view: JSONView?) -> String? {
        guard let string = view?.string, !string.isEmpty else { return nil }
        return string
    }

    private static func choice(
        _ view: JSONView,
        _ position: Int,
        _ reply: inout ChatResponse
    ) throws(NeedletailError) -> ChatChoice {
        guard let message = view.present("message") ?? view.present("delta"), message.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply has a choice without a message.")
        }
        var choice = ChatChoice(index: view.present("index")?.int ?? position)
        reply.extensions.keepUnknown(view, known: self.choiceMembers, path: "choices", ignoresEmptyArrays: true)
        reply.extensions.keepUnknown(
            message, known: self.messageMembers, path: "choices.message", ignoresEmptyArrays: true)
        reply.extensions += self.unknownOfParts(message, path: "choices.message")
        choice.content = OpenAIChatReasoning.parts(message)
        if let content = message.present("content") {
            guard let parts = OpenAIChatContent.parts(content) else {
                throw NeedletailError(.malformedReply, "The provider's reply has content that is no text.")
            }
            choice.content += parts
        }
        self.citations(message, into: &choice)
        choice.content += OpenAIChatContent.images(message)
        var hasRefusal = false
        if let refusal = message.present("refusal")?.string, !refusal.isEmpty {
            choice.content.append(.refusal(refusal))
            hasRefusal = true
        }
        if let audio = message.present("audio"), audio.kind == .object,
            audio.present("id")?.string?.isEmpty == false || audio.present("data")?.string?.isEmpty == false
        {
            var part = AudioPart(
                data: audio.present("data")?.string ?? "",
                format: audio.present("format")?.string,
                id: audio.present("id")?.string,
                transcript: audio.present("transcript")?.string
            )
            part.expiresAt = audio.present("expires_at")?.int
            choice.content.append(.audio(part))
        }
        let signatures = OpenAIChatMessageSignatures(message)
        let calls = self.calls(message, signatures, replyID: reply.id, choice: choice.index)
        if message.present("function_call") != nil, !calls.isEmpty, message.present("tool_calls") == nil {
            reply.usesLegacyFunctions = true
        }
        for signature in signatures.loose(beside: calls.map { ($0.call.id, $0.signature) }) {
            choice.content.append(.reasoning(ReasoningPart("", signature: signature)))
        }
        for call in calls {
            if let signature = call.signature {
                choice.content.append(.reasoning(ReasoningPart("", signature: signature)))
            }
            choice.content.append(.toolCall(call.call))
        }
        let spelled = view.present("finish_reason")?.string
        choice.stopReason =
            self.stopReason(spelled, hasCalls: !calls.isEmpty, hasRefusal: hasRefusal)
            ?? (calls.isEmpty ? nil : .toolCalls)
        // vLLM and SGLang name the stop sequence; a number there is a token.
        let sequence = (view.present("stop_reason") ?? view.present("matched_stop"))?.string
        if choice.stopReason == .endTurn, let sequence {
            choice.stopReason = .stopSequence
            choice.stopSequence = sequence
        }
        if let logprobs = view.present("logprobs") {
            if logprobs.kind == .object {
                choice.logprobs = logprobs.text
            } else {
                reply.extensions.append(Extension("choices.logprobs", logprobs.text))
            }
        }
        return choice
    }

    private static func citations(_ message: JSONView, into choice: inout ChatChoice) {
        guard let annotations = message.present("annotations"), annotations.kind == .array else { return }
        var elements = annotations.elements
        guard elements.next() != nil else { return }
        for index in choice.content.indices.reversed() {
            guard case .text(var part) = choice.content[index] else { continue }
            part.citations = annotations.text
            part.citationDialect = .openAIChat
            choice.content[index] = .text(part)
            return
        }
    }

    private static func calls(
        _ message: JSONView, _ signatures: OpenAIChatMessageSignatures, replyID: String, choice: Int
    ) -> [(call: ToolCall, signature: String?)] {
        var calls: [(call: ToolCall, signature: String?)] = []
        if let views = message.present("tool_calls") {
            for view in views.kind == .object ? [views] : Array(views.elements) {
                guard let (function, isCustom) = self.callBody(view) else { continue }
                let id = view.present("id")?.string ?? ""
                let call = ToolCall(
                    id: id.isEmpty ? self.callID(replyID, choice, calls.count) : id,
                    name: function.present("name")?.string ?? "",
                    arguments: OpenAIChatRequestDecoder.arguments(function.present(isCustom ? "input" : "arguments")),
                    isCustom: isCustom
                )
                calls.append((call, signatures.signature(of: view, id: call.id)))
            }
        }
        // Snowflake fills every field of the schema: a call without a name is none.
        if calls.isEmpty, let function = message.present("function_call"),
            let name = function.present("name")?.string, !name.isEmpty
        {
            let call = ToolCall(
                id: self.callID(replyID, choice, 0),
                name: name,
                arguments: OpenAIChatRequestDecoder.arguments(function.present("arguments"))
            )
            calls.append((call, nil))
        }
        return calls
    }

    /// What is called, and whether it takes free text. Snowflake gives an empty `custom` beside each `function`.
    static func callBody(_ view: JSONView) -> (JSONView, isCustom: Bool)? {
        if view.present("type")?.string != "custom", let function = view.present("function") {
            return (function, false)
        }
        if let custom = view.present("custom") { return (custom, true) }
        return view.present("function").map { ($0, false) }
    }

    /// An id for a call that has none: unlike those of other replies, and made of letters that every provider takes.
    static func callID(_ replyID: String, _ choice: Int, _ index: Int) -> String {
        "call_\(self.callIDPart(replyID))_\(choice)_\(index)"
    }

    /// As much of a text as may stand in a call's id.
    static func callIDPart(_ text: String) -> String {
        var part = ""
        for unit in text.unicodeScalars.prefix(40) where unit.isASCII {
            switch unit {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "-": part.unicodeScalars.append(unit)
            default: break
            }
        }
        return part
    }
}

/// Text of a reply, which some servers give as an array of parts.
enum OpenAIChatContent {
    /// The images that the model made: OpenRouter's extension, which others have taken over.
    /// <https://openrouter.ai/docs/features/multimodal/image-generation>
    static func images(_ message: JSONView) -> [ContentPart] {
        guard let list = message.present("images") else { return [] }
        return list.elements.compactMap { element in
            guard let image = element.present("image_url") else {
                let type = element.present("type")?.string ?? "image"
                return .opaque(OpaquePart(dialect: .openAIChat, type: type, json: element.text))
            }
            return (image.string ?? image.present("url")?.string).map { .image(ImagePart(.openAI(url: $0))) }
        }
    }

    /// Writes an image as it is read; with its place in the list where a stream has several.
    ///
    /// - Returns: `false`, and nothing is written, if it is neither in the reply nor at a URL.
    static func write(_ image: ImagePart, index: Int, into json: inout JSONWriter) -> Bool {
        let url: String
        switch image.source {
        case .base64(let mediaType, let data): url = "data:\(mediaType);base64,\(data)"
        case .url(let there): url = there
        case .fileID, .text: return false
        }
        json.beginObject()
        json.member("type", "image_url")
        json.member("index", index)
        json.key("image_url")
        json.beginObject()
        json.member("url", url)
        json.endObject()
        json.endObject()
        return true
    }

    /// What is read of a part; `nil` for one that is kept whole.
    static func members(_ part: JSONView) -> [StaticString]? {
        switch part.present("type")?.string {
        case "thinking": ["type", "thinking", "signature", "closed"]
        case "reasoning": ["type", "summary"]
        case "text", "output_text", nil: ["type", "text"]
        case "refusal": ["type", "refusal"]
        default: nil
        }
    }

    /// The parts; `nil` if the content is neither text nor parts.
    static func parts(_ content: JSONView) -> [ContentPart]? {
        if let string = content.string { return string.isEmpty ? [] : [.text(TextPart(string))] }
        guard content.kind == .array else { return nil }
        var parts: [ContentPart] = []
        for element in content.elements {
            switch element.present("type")?.string {
            case "thinking": parts.append(.reasoning(OpenAIChatReasoning.part(element)))
            case "reasoning": parts += OpenAIChatReasoning.summary(element).map(ContentPart.reasoning)
            case "text", "output_text", nil:
                if let text = element.string ?? element.present("text")?.string, !text.isEmpty {
                    parts.append(.text(TextPart(text)))
                }
            case "refusal":
                if let text = element.present("refusal")?.string { parts.append(.refusal(text)) }
            case let type?: parts.append(.opaque(OpaquePart(dialect: .openAIChat, type: type, json: element.text)))
            }
        }
        return parts
    }
}
