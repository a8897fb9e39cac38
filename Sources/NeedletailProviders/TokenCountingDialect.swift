public import NIOCore
public import NeedletailCore

/// A dialect with an operation that counts the input tokens of a chat request.
public protocol TokenCountingDialect: Dialect {
    /// Reads a client's request to count.
    static func decodeCountRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest
    /// Writes a request to count for an upstream.
    ///
    /// - Returns: What the dialect could not carry.
    static func encodeCountRequest(
        _ request: ChatRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss]
    /// Reads an upstream's count.
    ///
    /// - Throws: `.malformedReply` if there is none.
    static func decodeTokenCount(_ body: ByteBuffer) throws(NeedletailError) -> Int
    /// Writes a count for a client.
    static func encodeTokenCount(_ tokens: Int) -> ByteBuffer
}

extension TokenCountingDialect {
    /// As a chat request is read.
    public static func decodeCountRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        try Self.decodeRequest(body)
    }
}
