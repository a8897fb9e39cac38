import NIOCore
import NeedletailCore

/// Reads whole replies of an upstream, and the objects of its streams, which look alike.
enum OllamaReply {
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
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply is no JSON object.")
        }
        return root
    }

    static func decode(_ root: JSONView, _ kind: OllamaKind) throws(NeedletailError) -> ChatResponse {
        guard let message = Self.message(root, kind) else {
            throw NeedletailError(.malformedReply, "The provider's reply has no message.")
        }
        var reply = ChatResponse(id: "", model: root.present("model")?.string ?? "", usage: OllamaUsage.read(root))
        reply.source = kind.dialect
        reply.created = root.present("created_at")?.string.flatMap(OllamaTime.seconds)
        var choice = ChatChoice()
        if let text = Self.thinking(message) { choice.content.append(.reasoning(ReasoningPart(text))) }
        if let text = Self.text(message, kind) { choice.content.append(.text(TextPart(text))) }
        choice.content += Self.images(message).map { .image($0) }
        let calls = Self.calls(message, after: 0, time: root.present("created_at")?.string ?? "")
        choice.content += calls.map { .toolCall($0) }
        if root.present("done")?.bool != false {
            choice.stopReason = Self.stopReason(root.present("done_reason")?.string, hasCalls: !calls.isEmpty)
        }
        choice.logprobs = OllamaLogprobs.openAI(root.present("logprobs"))
        reply.choices = [choice]
        reply.extensions.keepUnknown(root, known: Self.known(root, kind), path: "")
        let path = Self.callPath(kind)
        for call in (message.present("tool_calls") ?? message).elements where call.kind == .object {
            reply.extensions.keepUnknown(call, known: Self.callMembers, path: path)
            guard let function = call.present("function") else { continue }
            reply.extensions.keepUnknown(function, known: Self.functionMembers, path: path + ".function")
        }
        if kind == .chat {
            reply.extensions.keepUnknown(message, known: Self.messageMembers, path: "message")
        }
        return reply
    }

    /// Names what nobody reads of a stream's object.
    static func look(at root: JSONView, _ kind: OllamaKind, _ unread: inout UnreadMembers) {
        guard unread.isOpen else { return }
        unread.look(at: root, known: Self.known(root, kind), path: "")
        guard let message = kind == .chat ? root.present("message") : root else { return }
        if kind == .chat { unread.look(at: message, known: Self.messageMembers, path: "message") }
        guard let calls = message.present("tool_calls") else { return }
        let path = Self.callPath(kind)
        for call in calls.elements {
            unread.look(at: call, known: Self.callMembers, path: path)
            guard let function = call.present("function") else { continue }
            unread.look(at: function, known: Self.functionMembers, path: path + ".function")
        }
    }

    private static let messageMembers: [StaticString] = [
        "role", "content", "thinking", "images", "tool_calls", "tool_name",
    ]
    private static let callMembers: [StaticString] = ["id", "type", "function"]
    private static let functionMembers: [StaticString] = ["index", "name", "arguments"]
    private static func callPath(_ kind: OllamaKind) -> String { kind == .chat ? "message.tool_calls" : "tool_calls" }

    private static func known(_ root: JSONView, _ kind: OllamaKind) -> [StaticString] {
        let shared: [StaticString] = [
            "model", "created_at", "done", "done_reason", "prompt_eval_count", "eval_count", "logprobs",
        ]
        // The times are read with the counters.
        let hasCounts = root.present("eval_count") != nil || root.present("prompt_eval_count") != nil
        return shared + (hasCounts ? ProviderTiming.ollamaMembers : [])
            + (kind == .chat ? ["message"] : ["response", "thinking", "images", "tool_calls"])
    }

    /// Where the text is: in the message, or beside the rest.
    static func message(_ root: JSONView, _ kind: OllamaKind) -> JSONView? {
        switch kind {
        case .chat:
            guard let message = root.present("message"), message.kind == .object else { return nil }
            return message
        case .generate: return root.present("response") == nil && root["done"] == nil ? nil : root
        }
    }

    static func text(_ message: JSONView, _ kind: OllamaKind) -> String? {
        OpenAIChat.nonEmpty(kind == .chat ? message["content"] : message["response"])
    }

    static func thinking(_ message: JSONView) -> String? { OpenAIChat.nonEmpty(message["thinking"]) }

    static func images(_ message: JSONView) -> [ImagePart] {
        guard let list = message.present("images") else { return [] }
        return list.elements.compactMap { $0.string.map { ImagePart(OllamaImage.source($0)) } }
    }

    /// The calls of a message.
    ///
    /// - Parameters:
    ///   - count: How many came before, in a stream.
    ///   - time: When the reply began, for ids.
    static func calls(_ message: JSONView, after count: Int, time: String) -> [ToolCall] {
        var calls: [ToolCall] = []
        guard let list = message.present("tool_calls") else { return [] }
        for view in list.elements {
            guard let function = view.present("function") else { continue }
            let id = OpenAIChat.nonEmpty(view["id"]) ?? OpenAIChat.callID(time, 0, count + calls.count)
            calls.append(
                ToolCall(
                    id: id,
                    name: function.present("name")?.string ?? "",
                    arguments: OpenAIChatRequestDecoder.arguments(function.present("arguments"))
                ))
        }
        return calls
    }

    /// Why the reply ended; calls of tools end it with `stop` too.
    static func stopReason(_ spelled: String?, hasCalls: Bool) -> StopReason {
        switch spelled {
        case "stop", "", nil: hasCalls ? .toolCalls : .endTurn
        case "length": .maxTokens
        case "tool_calls": hasCalls ? .toolCalls : .endTurn
        case let other?: .other(other)
        }
    }
}

/// Log probabilities: Ollama's list is the `content` of OpenAI's object.
enum OllamaLogprobs {
    /// OpenAI's form; `nil` if there are none.
    static func openAI(_ list: JSONView?) -> JSONText? {
        guard let list, list.kind == .array, list.elements.contains(where: { _ in true }) else { return nil }
        var json = JSONWriter()
        json.beginObject()
        json.key("content")
        json.beginArray()
        for token in list.elements { Self.token(token, into: &json) }
        json.endArray()
        json.key("refusal")
        json.null()
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    /// OpenAI's readers want every member.
    private static func token(_ token: JSONView, into json: inout JSONWriter) {
        guard token.kind == .object else { return }
        json.beginObject()
        for member in token.members {
            json.key(member.key)
            json.raw(member.value.text)
        }
        if token["bytes"] == nil {
            json.key("bytes")
            json.null()
        }
        if token["top_logprobs"] == nil {
            json.key("top_logprobs")
            json.beginArray()
            json.endArray()
        }
        json.endObject()
    }

    /// Writes the list in Ollama's form; a refusal's tokens are tokens like others there.
    static func write(_ logprobs: JSONText?, into json: inout JSONWriter) {
        guard let view = logprobs.flatMap({ try? $0.view() }) else { return }
        json.key("logprobs")
        json.beginArray()
        for key: StaticString in ["content", "refusal"] {
            guard let list = view.present(key) else { continue }
            for token in list.elements { json.raw(token.text) }
        }
        json.endArray()
    }
}
