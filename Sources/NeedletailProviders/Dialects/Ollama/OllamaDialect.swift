public import HTTPTypes
public import NIOCore
public import NeedletailCore

/// What Ollama's two dialects have in common: <https://docs.ollama.com/api>.
///
/// Streams are JSON objects, one a line; the last one says `"done": true`. Arguments of a call are an object, and calls
/// of servers before version 0.13 have no ids: they are made from the reply's time, so that reading the same bytes again
/// gives the same ids and two replies of a conversation never share one.
public protocol OllamaDialect: Dialect {
    /// Which of the two.
    static var kind: OllamaKind { get }
}

extension OllamaDialect {
    /// Its name.
    public static var id: DialectID { Self.kind.dialect }

    /// One JSON object a line.
    public static var framing: StreamFraming { .lines }

    /// What a client here can be told of another dialect's reply.
    public static var replyFields: Set<ModelField> {
        Self.kind == .chat
            ? [.replyReasoning, .replyLogprobs, .replyToolCalls, .replyImage, .replyTiming]
            : [.replyReasoning, .replyLogprobs, .replyTiming]
    }

    /// What Ollama may say.
    public static var upstreamFields: Set<ModelField> {
        Self.kind == .chat
            ? [.replyReasoning, .replyLogprobs, .stopReason, .replyToolCalls, .replyImage, .replyTiming]
            : [.replyReasoning, .replyLogprobs, .stopReason, .replyTiming]
    }

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
        var decoder = OllamaRequestDecoder(Self.kind)
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
        var encoder = OllamaRequestEncoder(request, Self.kind)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try encoder.encode(into: &json)
        }
        return encoder.report.losses
    }

    /// Reads an upstream's whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse {
        try OllamaReply.decode(OllamaReply.root(body), Self.kind)
    }

    /// Reads what a passthrough must know of a whole reply.
    ///
    /// - Throws: `.malformedReply`, or what an error inside a 200 means.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? {
        OllamaUsage.read(try OllamaReply.root(body))
    }

    /// Writes a whole reply for a client.
    ///
    /// - Returns: What the dialect could not carry.
    public static func encodeReply(
        _ reply: ChatResponse, created clock: Int64, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = OllamaReplyEncoder(reply, Self.kind)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            encoder.encode(clock, into: &json)
        }
        return encoder.report.losses
    }

    /// Reads an upstream's error.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        OpenAIChat.decodeFailure(status: status, headers: headers, body: body)
    }

    /// Writes an error for a client: `{"error": "…"}`.
    ///
    /// - Returns: The HTTP status that goes with it.
    public static func encodeFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) -> Int {
        var json = JSONWriter()
        json.beginObject()
        json.member("error", error.message)
        json.endObject()
        out.writeImmutableBuffer(json.bytes)
        return error.disposition.status
    }

    /// Writes the line that ends a stream which failed after its first byte.
    public static func encodeStreamFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) {
        _ = Self.encodeFailure(error, requestID: requestID, into: &out)
        out.writeStaticString("\n")
    }

    /// What watches a passed-through stream.
    public static func makeStreamTap() -> any StreamTap { OllamaStreamTap() }
    /// What reads an upstream's stream.
    public static func makeStreamDecoder() -> any StreamDecoder { OllamaStreamDecoder(Self.kind) }
    /// What writes a client's stream.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        OllamaStreamEncoder(options, Self.kind)
    }
    /// What users of Ollama call a field.
    public static func name(of field: ModelField) -> String { OllamaFieldNames.name(of: field, Self.kind) }
}
