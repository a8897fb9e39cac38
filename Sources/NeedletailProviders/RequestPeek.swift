public import NIOCore
public import NeedletailCore

/// The one look at a client's body that routing, limits and passthrough need: a single scan that also checks that the
/// body is JSON. Nothing is decoded.
public enum RequestPeek {
    /// Reads the facts of `body`.
    ///
    /// - Throws: `.invalidRequest` if the body is no JSON object, `model` is missing or no string, `stream` is no
    ///   boolean, a limit on tokens is no positive whole number, `messages` is missing or no array, or a key that a
    ///   passthrough edits stands twice.
    public static func read(
        _ body: ByteBuffer,
        dialect: DialectID,
        operation: NeedletailCore.Operation
    ) throws(NeedletailError) -> InferenceRequest {
        var fields = RequestPeekFields()
        try fields.read(body.readableBytesUInt8Span)
        guard let model = fields.model else { throw Self.missing("model") }
        guard fields.messages != nil else { throw Self.missing("messages") }
        if dialect == .anthropicMessages, operation == .chat, fields.maxTokens == nil {
            throw Self.missing("max_tokens")
        }
        return InferenceRequest(
            operation: operation,
            model: model,
            isStreaming: fields.isStreaming ?? false,
            maxOutputTokens: fields.maxCompletionTokens ?? fields.maxTokens,
            estimatedInputTokens: fields.estimatedInputTokens(bodySize: body.readableBytes),
            features: fields.features,
            body: .wire(WireBody(dialect: dialect, bytes: body), fields.landmarks),
            replyDialect: dialect
        )
    }

    private static func missing(_ name: String) -> NeedletailError {
        NeedletailError(.invalidRequest, "\(name): Field required", parameter: name)
    }
}
