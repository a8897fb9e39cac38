public import NIOCore
public import NeedletailCore

extension Gemini {
    /// Reads an upstream's whole reply.
    ///
    /// A prompt that was blocked has no candidates: it becomes one that a filter ended, with the provider's words, if it
    /// has any, as a refusal.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root = try self.replyRoot(body)
        var reply = ChatResponse(
            id: GeminiField.value(root, "responseId", "response_id")?.string ?? "",
            model: GeminiField.value(root, "modelVersion", "model_version")?.string ?? "")
        reply.source = .gemini
        var feedback: JSONView?
        for member in root.members where !member.value.isNull {
            switch GeminiField.camel(member.key) {
            case "candidates":
                for candidate in member.value.elements {
                    reply.choices.append(try self.choice(candidate, reply.choices.count, &reply))
                }
            case "usageMetadata":
                reply.usage = GeminiUsage.read(member.value)
                reply.serviceTier = GeminiField.value(member.value, "serviceTier", "service_tier")?.string
            case "promptFeedback":
                feedback = member.value
                reply.extensions.append(Extension("promptFeedback", member.value.text, isRead: true))
                reply.extensions.keepUnknown(member.value, known: GeminiBlock.members, path: "promptFeedback")
            case "createTime" where member.value.string.flatMap(OllamaTime.seconds) != nil:
                reply.created = member.value.string.flatMap(OllamaTime.seconds)
            case "responseId", "modelVersion": break
            default: reply.extensions.append(Extension(member.key, member.value.text))
            }
        }
        if reply.choices.isEmpty {
            var choice = ChatChoice(stopReason: feedback.flatMap(GeminiBlock.reason))
            if let words = feedback.flatMap(GeminiBlock.message) { choice.content = [.refusal(words)] }
            reply.choices = [choice]
        }
        return reply
    }

    /// The object of a reply that is no error.
    static func replyRoot(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
        if let failure = self.failure(inside: root) { throw failure }
        guard self.isReply(root) else {
            throw NeedletailError(.malformedReply, "The provider's reply has neither candidates nor a reason for that.")
        }
        return root
    }

    /// Whether an object is a reply or a chunk of one: the least that Google sends is one of these.
    static func isReply(_ root: JSONView) -> Bool {
        root.present("candidates") != nil || GeminiField.value(root, "promptFeedback", "prompt_feedback") != nil
            || GeminiField.value(root, "usageMetadata", "usage_metadata") != nil
            || GeminiField.value(root, "responseId", "response_id") != nil
            || GeminiField.value(root, "modelVersion", "model_version") != nil
    }

    /// Reads what a passthrough must know of a whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try self.inspectReply(body) { _ in }
    }

    static func inspectReply(_ body: ByteBuffer, state: (String) -> Void) throws(NeedletailError) -> Usage? {
        let root = try self.replyRoot(body)
        self.readState(inReply: root, state)
        return GeminiField.value(root, "usageMetadata", "usage_metadata").flatMap(GeminiUsage.read)
    }

    private static func choice(
        _ candidate: JSONView, _ position: Int, _ reply: inout ChatResponse
    ) throws(NeedletailError) -> ChatChoice {
        guard candidate.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply has a candidate that is no object.")
        }
        var choice = ChatChoice(index: candidate.present("index")?.int ?? position)
        var reader = GeminiContentReader(path: "candidates.content.parts")
        if let content = candidate.present("content") {
            // A candidate without text may have content without parts.
            if let parts = content.present("parts") {
                do {
                    choice.content = try reader.readParts(parts)
                } catch {
                    throw NeedletailError(
                        .malformedReply, "The provider's reply is wrong at candidates.content.parts\(error.path).")
                }
            }
            reader.extensions.keepUnknown(content, known: ["parts", "role"], path: "candidates.content")
        }
        self.nameCalls(&choice, replyID: reply.id)
        let isCited = self.cite(candidate, &choice)
        let hasCalls = choice.content.contains { if case .toolCall = $0 { true } else { false } }
        for member in candidate.members where !member.value.isNull {
            switch GeminiField.camel(member.key) {
            case "content", "index": break
            case "finishReason":
                choice.stopReason = GeminiFinishReason.word(member.value).map {
                    GeminiFinishReason.read($0, hasCalls: hasCalls)
                }
            case "logprobsResult": choice.logprobs = GeminiLogprobs.read(member.value)
            case "citationMetadata":
                let isRead = isCited && GeminiCitations.isWhole(member.value)
                reader.extensions.append(Extension("candidates.citationMetadata", member.value.text, isRead: isRead))
            default: reader.extensions.append(Extension("candidates.\(member.key)", member.value.text))
            }
        }
        if choice.stopReason == nil, hasCalls { choice.stopReason = .toolCalls }
        reply.extensions += reader.extensions
        return choice
    }

    private static func nameCalls(_ choice: inout ChatChoice, replyID: String) {
        var count = 0
        for index in choice.content.indices {
            guard case .toolCall(var call) = choice.content[index] else { continue }
            if call.id.isEmpty { call.id = OpenAIChat.callID(replyID, choice.index, count) }
            choice.content[index] = .toolCall(call)
            count += 1
        }
    }

    /// Puts the pages that the text cites beside its last part.
    ///
    /// - Returns: Whether there was such a part.
    private static func cite(_ candidate: JSONView, _ choice: inout ChatChoice) -> Bool {
        var offsets = GeminiTextOffsets()
        var last: Int?
        for index in choice.content.indices {
            guard case .text(let part) = choice.content[index] else { continue }
            offsets.append(part.text, isPart: true)
            last = index
        }
        guard let last, case .text(var part) = choice.content[last] else { return false }
        let annotations = GeminiCitations.annotations(candidate, text: offsets)
        guard !annotations.isEmpty else { return true }
        part.cite(annotations)
        choice.content[last] = .text(part)
        return true
    }
}

/// A prompt that was not answered.
enum GeminiBlock {
    /// What is read of it.
    static let members: [StaticString] = [
        "blockReason", "block_reason", "blockReasonMessage", "block_reason_message",
    ]

    /// Why it ended; `nil` if the prompt was not blocked.
    static func reason(_ feedback: JSONView) -> StopReason? {
        let isBlocked =
            GeminiField.value(feedback, "blockReason", "block_reason") != nil || self.message(feedback) != nil
        return isBlocked ? .contentFilter : nil
    }

    /// What the provider says about it.
    static func message(_ feedback: JSONView) -> String? {
        guard let words = GeminiField.value(feedback, "blockReasonMessage", "block_reason_message")?.string,
            !words.isEmpty
        else { return nil }
        return words
    }
}
