public import NIOCore
public import NeedletailCore

/// Cohere chat, version 2: <https://docs.cohere.com/reference/chat>.
///
/// Streams are server-sent events with names, and `[DONE]` after them. A plan that the model says before it calls tools
/// (`tool_plan`) is text like other text for everybody else.
public enum CohereChat: Dialect {
    /// `cohere`.
    public static let id = DialectID.cohereChat

    /// What a client here can be told of another dialect's reply.
    public static let replyFields: Set<ModelField> = [
        .replyReasoning, .replyCitations, .replyLogprobs, .usageCacheRead, .usageReasoning, .replyToolCalls,
        .replyToolArguments,
    ]

    /// What Cohere may say.
    public static let upstreamFields: Set<ModelField> = [
        .replyReasoning, .replyCitations, .replyLogprobs, .replyOpaque, .stopReason, .usageCacheRead, .usageReasoning,
        .replyToolCalls, .replyToolArguments,
    ]

    /// Reads a client's request.
    ///
    /// - Throws: `.invalidRequest` with the path of the field at fault.
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(body)
        } catch {
            throw NeedletailError(.invalidRequest, "The body is not valid JSON: \(error).")
        }
        guard document.root.kind == .object else {
            throw NeedletailError(.invalidRequest, "The body must be a JSON object.")
        }
        var decoder = CohereRequestDecoder()
        return try decoder.decode(document.root)
    }

    /// Writes a request for an upstream.
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` for what would be another request without it: sound, files, several choices, tools of
    ///   free text.
    public static func encodeRequest(
        _ request: ChatRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = CohereRequestEncoder(request)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try encoder.encode(into: &json)
        }
        return encoder.report.losses
    }

    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        try CohereReply.decode(CohereReply.root(body))
    }

    /// Reads what a passthrough must know of a whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        CohereUsage.read(try CohereReply.root(body).present("usage"))
    }

    /// Writes a whole reply for a client.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse, created clock: Int64, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = CohereReplyEncoder(reply)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(into: &json)
        }
        return encoder.report.losses
    }

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { CohereStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { CohereStreamDecoder() }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        CohereStreamEncoder(options)
    }
}
