public import HTTPTypes
public import NIOCore
public import NeedletailCore

/// A dialect that is named and not written yet: everything is refused.
public protocol PendingDialect: Dialect {}

extension PendingDialect {
    private static var refusal: NeedletailError {
        NeedletailError(.unsupported, "The dialect '\(Self.id.rawValue)' is not supported.")
    }

    /// Refused.
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest { throw Self.refusal }
    /// Refused.
    public static func encodeRequest(
        _ request: ChatRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] { throw Self.refusal }
    /// Refused.
    public static func decodeReply(_ body: ByteBuffer) throws(NeedletailError) -> ChatResponse { throw Self.refusal }
    /// Refused.
    public static func encodeReply(
        _ reply: ChatResponse, created clock: Int64, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] { throw Self.refusal }
    /// Refused.
    public static func inspectReply(_ body: ByteBuffer) throws(NeedletailError) -> Usage? { throw Self.refusal }
    /// Refused.
    public static func decodeFailure(status: Int, headers: HTTPFields, body: ByteBuffer) -> NeedletailError {
        Self.refusal
    }
    /// Refused.
    public static func encodeFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) -> Int {
        OpenAIChat.encodeFailure(error, requestID: requestID, into: &out)
    }
    /// Refused.
    public static func encodeStreamFailure(_ error: NeedletailError, requestID: String, into out: inout ByteBuffer) {
        OpenAIChat.encodeStreamFailure(error, requestID: requestID, into: &out)
    }
    /// Refused.
    public static func makeStreamTap() -> any StreamTap { OpenAIChatStreamTap() }
    /// Refused.
    public static func makeStreamDecoder() -> any StreamDecoder { OpenAIChatStreamDecoder() }
    /// Refused.
    public static func makeStreamEncoder(_ options: StreamEncoderOptions) -> any StreamEncoder {
        OpenAIChatStreamEncoder(options)
    }
    /// Refused.
    public static var replyFields: Set<ModelField> { [] }
    /// Refused.
    public static var upstreamFields: Set<ModelField> { [] }
    /// Refused.
    public static func name(of field: ModelField) -> String { field.rawValue }
}
