public import NeedletailCore

extension EmbeddingReply {
    /// Reads the reply to a request that ``InferenceRequest/embeddings(_:)`` made.
    ///
    /// - Throws: `.malformedReply` if it holds no vectors.
    public init(_ body: WireBody) throws(NeedletailError) {
        guard let dialect = body.dialect.dialect as? any EmbeddingDialect.Type else {
            throw NeedletailError(.internalFailure, "The reply is in a dialect without vectors.")
        }
        self = try dialect.decodeEmbeddingReply(body.bytes)
    }
}
