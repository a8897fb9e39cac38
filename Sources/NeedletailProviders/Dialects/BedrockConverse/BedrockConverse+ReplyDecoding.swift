public import NIOCore
public import NeedletailCore

extension BedrockConverse {
    /// Reads a whole reply, which names neither itself nor its model.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        let root = try Self.replyRoot(body)
        guard let content = root.present("output")?.present("message")?.present("content") else {
            throw NeedletailError(.malformedReply, "The provider's reply has no message.")
        }
        var reply = ChatResponse(id: "", model: "")
        reply.source = .bedrockConverse
        var reader = BedrockContentReader()
        var choice = ChatChoice()
        do {
            choice.content = try reader.readContent(content, path: "output.message.content")
        } catch {
            throw NeedletailError(.malformedReply, "The provider's reply is wrong at content.\(error.path).")
        }
        choice.stopReason = root.present("stopReason")?.string.map(BedrockStopReason.read)
        if let fields = root.present("additionalModelResponseFields") {
            choice.stopSequence = fields.present("stop_sequence")?.string
            reader.keepUnknown(fields, known: ["stop_sequence"], path: "additionalModelResponseFields")
        }
        reply.choices = [choice]
        reply.usage = root.present("usage").flatMap(BedrockUsage.read)
        if let tier = root.present("serviceTier") {
            reply.serviceTier = tier.present("type")?.string
            reader.keepUnknown(tier, known: ["type"], path: "serviceTier")
        }
        if let output = root.present("output") {
            reader.keepUnknown(output, known: ["message"], path: "output")
            if let message = output.present("message") {
                reader.keepUnknown(message, known: ["role", "content"], path: "output.message")
            }
        }
        var known: [StaticString] = ["output", "stopReason", "usage", "serviceTier", "additionalModelResponseFields"]
        if reply.usage != nil, let metrics = root.present("metrics") {
            reply.usage?.timing = ProviderTiming.converse(metrics)
            known.append("metrics")
            reader.keepUnknown(metrics, known: ["latencyMs"], path: "metrics")
        }
        reader.keepUnknown(root, known: known, path: "")
        reply.extensions = reader.extensions
        return reply
    }

    /// Reads what a passthrough must know of a whole reply.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        try Self.inspectReply(body) { _ in }
    }

    static func inspectReply(_ body: ByteBuffer, state: (String) -> Void) throws(NeedletailError) -> Usage? {
        let root = try Self.replyRoot(body)
        Self.readState(inReply: root, state)
        return root.present("usage").flatMap(BedrockUsage.read)
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
        if root.present("output") == nil, root.present("__type") != nil || root.present("message") != nil {
            throw Self.failure(type: Self.type(in: root), root, status: 200, requestID: nil)
        }
        return root
    }
}
