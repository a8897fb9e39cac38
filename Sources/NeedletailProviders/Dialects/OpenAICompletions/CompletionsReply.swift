import NIOCore
import NeedletailCore

/// Reads whole replies of an upstream.
enum CompletionsReply {
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
                view, known: ["text", "index", "finish_reason", "stop_reason", "logprobs"], path: "choices",
                ignoresEmptyArrays: true)
        }
        reply.extensions.keepUnknown(
            root, known: ["id", "object", "created", "model", "choices", "usage", "system_fingerprint"], path: "",
            ignoresEmptyArrays: true)
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
