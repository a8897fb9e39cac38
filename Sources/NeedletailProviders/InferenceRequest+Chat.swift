public import NeedletailCore

extension InferenceRequest {
    /// A chat that was made in Swift, with what routing needs of it. The reply comes in the upstream's dialect.
    ///
    /// - Parameter isStreaming: Whether it is to be streamed; ``ChatRequest/isStreaming`` is not looked at.
    public init(chat: ChatRequest, isStreaming: Bool) {
        self.init(
            operation: .chat, model: chat.model, isStreaming: isStreaming, maxOutputTokens: chat.maxOutputTokens,
            estimatedInputTokens: chat.demandedInputTokens, features: chat.demandedFeatures, body: .model(chat),
            replyDialect: nil)
        self.choices = max(1, chat.choiceCount ?? 1)
        self.searches = chat.demandedSearches
        self.images = chat.demandedImages
        self.user = chat.endUser.map { String($0.prefix(256)) }
    }
}
