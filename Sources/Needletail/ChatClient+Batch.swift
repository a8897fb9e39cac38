public import NeedletailCore
import NeedletailProviders
public import NeedletailRouting

extension ChatClient {
    /// Asks for a whole reply to each of many requests, and hands back what came of each, in their order. A failure is its
    /// request's alone.
    ///
    /// - Parameters:
    ///   - concurrency: How many run at a time, at least 1. Default 5.
    ///   - onResult: Told of each as it comes, with its request's place.
    public func chat(
        all requests: [ChatRequest],
        concurrency: Int = Batch.usualConcurrency,
        isStrict: Bool = false,
        onResult: (@Sendable (_ index: Int, _ result: Result<ChatReply, NeedletailError>) -> Void)? = nil
    ) async -> [Result<ChatReply, NeedletailError>] {
        await Batch.run(requests, concurrency: concurrency, onResult: onResult) {
            request throws(NeedletailError) in
            try await self.chat(request, isStrict: isStrict)
        }
    }

    /// What a chat would cost at each place that the provider may send it to, the cheapest first: at least and at most, in
    /// exact dollars; both `nil` where the price is unknown. Asks nobody.
    ///
    /// - Returns: Nothing where the provider is neither a ``Router`` nor a ``ProviderRegistry``: ask these.
    public func estimateCosts(_ request: ChatRequest) -> [CostEstimate] {
        let request = InferenceRequest(chat: request, isStreaming: false)
        switch self.provider {
        case let router as Router: return router.estimateCosts(request)
        case let registry as ProviderRegistry: return registry.estimateCosts(request)
        default: return []
        }
    }
}
