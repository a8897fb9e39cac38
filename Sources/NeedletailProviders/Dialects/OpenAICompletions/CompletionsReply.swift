import NIOCore
import NeedletailCore

/// Reads whole replies of an upstream.
enum CompletionsReply {
    private static let members: [StaticString] = [
        "choices", "id", "object", "created", "model", "usage", "system_fingerprint",
    ]
    private static let choiceMembers: [StaticString] = ["text", "index", "finish_reason", "stop_reason", "logprobs"]

    /// Names what nobody reads of a chunk.
    static func look(atChunk root: JSONView, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        let times = root.present("usage")?.kind == .object ? OpenAIChat.timeMembers : []
        unread.look(at: root, known: Self.members + ["obfuscation"] + times, path: "")
        for choice in (root.present("choices") ?? root).elements {
            unread.look(at: choice, known: Self.choiceMembers, path: "choices")
        }
    }

    static func decode(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not JSON.", cause: error)
        }
        if let failure = OpenAIChat.failure(inside: root) { throw failure }
        guard root.kind == .object, let choices = root.present("choices"), choices.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no choices.")
        }
        var reply = ChatResponse(
            id: root.present("id")?.string ?? "", model: root.present("model")?.string ?? "",
            usage: OpenAIChat.usage(in: root))
        reply.source = .openAICompletions
        reply.created = root.present("created")?.int.map { Int64($0) }
        reply.systemFingerprint = OpenAIChat.nonEmpty(root["system_fingerprint"])
        for (position, view) in choices.elements.enumerated() {
            guard view.kind == .object else {
                throw NeedletailError(.malformedReply, "The provider's reply has a choice that is no object.")
            }
            reply.choices.append(Self.choice(view, position))
            reply.extensions.keepUnknown(
                view, known: Self.choiceMembers, path: "choices", ignoresEmptyArrays: true)
        }
        reply.extensions.keepUnknown(root, known: Self.members, path: "", ignoresEmptyArrays: true)
        for (place, extra) in reply.extensions.enumerated() where reply.usage?.timing != nil {
            if OpenAIChat.timeMembers.contains(where: { $0.description == extra.path }) {
                reply.extensions[place].isRead = true
            }
        }
        return reply
    }

    private static func choice(_ view: JSONView, _ position: Int) -> ChatChoice {
        var choice = ChatChoice(index: view.present("index")?.int ?? position)
        if let text = OpenAIChat.nonEmpty(view["text"]) { choice.content = [.text(TextPart(text))] }
        choice.stopReason = OpenAIChat.stopReason(
            view.present("finish_reason")?.string, hasCalls: false, hasRefusal: false)
        // vLLM names the stop sequence; a number there is a token.
        if choice.stopReason == .endTurn, let sequence = view.present("stop_reason")?.string {
            choice.stopReason = .stopSequence
            choice.stopSequence = sequence
        }
        choice.logprobs = CompletionsLogprobs.chat(view.present("logprobs"))
        return choice
    }
}
