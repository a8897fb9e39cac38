import NIOCore
public import NeedletailCore

extension InferenceReply {
    /// A whole reply that a provider of one's own has made in Swift.
    ///
    /// - Parameters:
    ///   - provider: Who answers.
    ///   - dialect: In whose words it is written down. Default OpenAI's.
    ///   - created: When it was made, in seconds since 1970. Default 0, which says nothing.
    /// - Throws: What the dialect cannot write.
    public static func whole(
        _ response: ChatResponse, from provider: ProviderID, in dialect: DialectID = .openAIChat, created: Int64 = 0
    ) throws(NeedletailError) -> Self {
        var bytes = ByteBuffer()
        let losses = try dialect.dialect.encodeReply(response, created: created, into: &bytes)
        return Self(
            provider: provider, model: response.model, losses: losses,
            body: .complete(WireBody(dialect: dialect, bytes: bytes), response.usage))
    }
}
