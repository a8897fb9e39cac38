import NIOCore
public import NeedletailCore

extension InferenceReply {
    /// A whole reply that a provider of one's own has made in Swift.
    ///
    /// - Parameters:
    ///   - provider: Who answers.
    ///   - dialect: In whose words it is written down. Default OpenAI's.
    /// - Throws: What the dialect cannot write.
    public static func whole(
        _ response: ChatResponse, from provider: ProviderID, in dialect: DialectID = .openAIChat
    ) throws(NeedletailError) -> Self {
        var bytes = ByteBuffer()
        let losses = try dialect.dialect.encodeReply(response, into: &bytes)
        return Self(
            provider: provider, model: response.model, losses: losses,
            body: .complete(WireBody(dialect: dialect, bytes: bytes), response.usage))
    }
}
