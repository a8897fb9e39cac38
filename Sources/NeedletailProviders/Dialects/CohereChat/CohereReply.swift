import NIOCore
import NeedletailCore

/// Reads whole replies of an upstream.
enum CohereReply {
    /// The reply's object.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    static func root(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do throws(JSONError) {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(
                .malformedReply, "The provider's reply is not JSON.", cause: error, mayHaveBeenProcessed: true)
        }
        if let failure = OpenAIChat.failure(inside: root) { throw failure }
        guard root.kind == .object, let message = root.present("message"), message.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply has no message.")
        }
        let reason = root.present("finish_reason")?.string
        if let failure = CohereChat.failure(finishReason: reason, words: nil) { throw failure }
        return root
    }

    static func decode(_ root: JSONView) throws(NeedletailError) -> ChatResponse {
        var reply = ChatResponse(
            id: root.present("id")?.string ?? "", model: root.present("model")?.string ?? "",
            usage: CohereUsage.read(root.present("usage")))
        reply.source = .cohereChat
        let message = root.present("message") ?? root
        var choice = ChatChoice()
        if let plan = OpenAIChat.nonEmpty(message["tool_plan"]) { choice.content.append(.text(TextPart(plan))) }
        if let content = message.present("content") { choice.content += Self.parts(content) }
        if let citations = message.present("citations"), citations.elements.contains(where: { _ in true }) {
            CohereRequestDecoder.attach(citations, to: &choice.content)
        }
        let calls = Self.calls(message, replyID: reply.id)
        choice.content += calls.map { .toolCall($0) }
        choice.stopReason =
            CohereFinishReason.read(root.present("finish_reason")?.string, hasCalls: !calls.isEmpty)
            ?? (calls.isEmpty ? nil : .toolCalls)
        choice.logprobs = CohereLogprobs.openAI(root.present("logprobs"))
        reply.choices = [choice]
        reply.extensions.keepUnknown(
            root, known: ["id", "model", "message", "finish_reason", "usage", "logprobs"], path: "")
        for part in (message.present("content") ?? message).elements {
            let type = part.present("type")?.string
            guard type == "text" || type == "thinking" else { continue }
            reply.extensions.keepUnknown(part, known: ["type", "text", "thinking"], path: "message.content")
        }
        for call in (message.present("tool_calls") ?? message).elements where call.kind == .object {
            reply.extensions.keepUnknown(call, known: ["id", "type", "function"], path: "message.tool_calls")
            guard let function = call.present("function") else { continue }
            reply.extensions.keepUnknown(
                function, known: ["name", "arguments"], path: "message.tool_calls.function")
        }
        reply.extensions.keepUnknown(
            message, known: ["role", "content", "tool_plan", "tool_calls", "citations"], path: "message")
        return reply
    }

    /// The parts of a message's content.
    static func parts(_ content: JSONView) -> [ContentPart] {
        if let text = content.string { return text.isEmpty ? [] : [.text(TextPart(text))] }
        var parts: [ContentPart] = []
        for element in content.elements {
            switch element.present("type")?.string {
            case "text":
                if let text = OpenAIChat.nonEmpty(element["text"]) { parts.append(.text(TextPart(text))) }
            case "thinking":
                if let text = OpenAIChat.nonEmpty(element["thinking"]) { parts.append(.reasoning(ReasoningPart(text))) }
            case let type:
                parts.append(.opaque(OpaquePart(dialect: .cohereChat, type: type ?? "", json: element.text)))
            }
        }
        return parts
    }

    private static func calls(_ message: JSONView, replyID: String) -> [ToolCall] {
        guard let list = message.present("tool_calls") else { return [] }
        // Streams have one call where whole replies have a list; some proxies mix the two up.
        let views = list.kind == .array ? Array(list.elements) : [list]
        var calls: [ToolCall] = []
        for view in views {
            guard let function = view.present("function") else { continue }
            calls.append(
                ToolCall(
                    id: OpenAIChat.nonEmpty(view["id"]) ?? OpenAIChat.callID(replyID, 0, calls.count),
                    name: function.present("name")?.string ?? "",
                    arguments: OpenAIChatRequestDecoder.arguments(function.present("arguments"))
                ))
        }
        return calls
    }
}
