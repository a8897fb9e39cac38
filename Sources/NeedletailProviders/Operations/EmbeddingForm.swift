public import NIOCore
public import NeedletailCore

/// How requests for vectors and their replies are written for an upstream.
public protocol EmbeddingFormat: Sendable {
    /// Writes a request for an upstream.
    ///
    /// - Returns: What the format could not carry.
    static func encodeEmbeddingRequest(
        _ request: EmbeddingRequest, into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss]
    /// Reads an upstream's reply.
    ///
    /// - Throws: `.malformedReply` if it holds no vectors.
    static func decodeEmbeddingReply(_ body: ByteBuffer) throws(NeedletailError) -> EmbeddingReply
}

/// Models whose vectors are asked for in a format that belongs to no dialect, as the clouds have them.
public struct EmbeddingForm: Sendable {
    /// How the models' names begin; empty for all.
    public var prefix: String
    /// How requests and replies are written.
    public var format: any EmbeddingFormat.Type
    /// The most inputs that are taken at once.
    public var maximumInputs: Int

    /// Creates a form.
    public init(prefix: String, _ format: any EmbeddingFormat.Type, maximumInputs: Int) {
        self.prefix = prefix
        self.format = format
        self.maximumInputs = maximumInputs
    }
}
