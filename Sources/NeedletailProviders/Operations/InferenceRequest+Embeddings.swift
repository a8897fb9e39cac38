import NIOCore
public import NeedletailCore

extension InferenceRequest {
    /// A request for vectors that was made in Swift, and what its wire form cannot carry.
    ///
    /// It is written in OpenAI's form, or in Cohere's where it says what the vectors are for or how long texts are cut;
    /// the provider that is asked has it in its own.
    ///
    /// - Throws: `.unsupported` for an input that only its own dialect knows.
    public static func embeddings(
        _ request: EmbeddingRequest
    ) throws(NeedletailError) -> (request: InferenceRequest, losses: [Loss]) {
        let dialect: DialectID = request.purpose != nil || request.truncation != nil ? .cohereChat : .openAIChat
        var bytes = ByteBuffer()
        let losses =
            dialect == .cohereChat
            ? try CohereChat.encodeEmbeddingRequest(request, into: &bytes)
            : try OpenAIChat.encodeEmbeddingRequest(request, into: &bytes)
        return (try RequestPeek.read(bytes, dialect: dialect, operation: .embeddings), losses)
    }
}
