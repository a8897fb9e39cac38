public import NIOCore
public import NeedletailCore

extension AnthropicMessages {
    /// Reads a whole reply.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root = try Self.replyRoot(body)
        guard let content = root.present("content"), content.kind == .array else {
            throw NeedletailError(.malformedReply, "The provider's reply has no content.")
        }
        var reply = ChatResponse(id: root.present("id")?.string ?? "", model: root.present("model")?.string ?? "")
        reply.source = .anthropicMessages
        var reader = AnthropicContentReader()
        reader.isReply = true
        var choice = ChatChoice()
        do {
            choice.content = try reader.readContent(content, path: "content")
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is wrong at content.\(error.path).")
        }
        choice.stopReason = (root.present("stop_reason")?.string).map(AnthropicStopReason.read)
        choice.stopSequence = root.present("stop_sequence")?.string
        reply.choices = [choice]
        if let counters = root.present("usage") {
            var usage = AnthropicUsage()
            usage.merge(counters)
            reply.usage = usage.usage
            reply.serviceTier = counters.present("service_tier")?.string
        }
        let known: [StaticString] = [
            "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage",
        ]
        reader.keepUnknown(root, known: known, path: "")
        reply.extensions = reader.extensions
        return reply
    }

    /// Reads what a passthrough must know of a whole reply.
    ///
    /// Also takes the reply of `count_tokens`, which has no usage.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try Self.inspectReply(body) { _ in }
    }

    static func inspectReply(_ body: ByteBuffer, state: (String) -> Void) throws(NeedletailError) -> Usage? {
        let root = try Self.replyRoot(body)
        Self.readState(inReply: root, state)
        guard let counters = root.present("usage") else { return nil }
        var usage = AnthropicUsage()
        usage.merge(counters)
        return usage.usage
    }

    /// The object of a reply that is no error.
    private static func replyRoot(_ body: ByteBuffer) throws(NeedletailError) -> JSONView {
        let root: JSONView
        do {
            root = try JSONDocument(body).root
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is not valid JSON.", cause: error)
        }
        guard root.kind == .object else {
            throw NeedletailError(.malformedReply, "The provider's reply is no JSON object.")
        }
        let type = root.present("type")?.string
        if type == "error" || (type == nil && root.present("error") != nil) {
            throw Self.failure(root, status: 200, requestID: nil)
        }
        return root
    }
}
