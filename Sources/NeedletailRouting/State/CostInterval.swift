public import NeedletailCore

/// What a call may cost before it is made. Pure.
public struct CostInterval: Sendable, Hashable {
    /// The least: one input token at the cheapest rate for input, no output, and what a request costs by itself.
    public var least: Money
    /// What the guess at the input costs at the usual rate, with ``usualOutput`` tokens of output or the request's limit.
    public var likely: Money
    /// The most, which a budget holds.
    public var most: Money

    /// Output tokens that a request is taken to have that allows more.
    public static let usualOutput = 1_024

    /// The interval of a request; `nil` for an unknown price.
    ///
    /// - Parameters:
    ///   - price: What the model costs.
    ///   - bound: The request's, see ``CallBound``.
    ///   - wallSeconds: When the call is made, in seconds since 1970.
    public init?(_ request: InferenceRequest, _ price: Price, _ bound: CallBound, at wallSeconds: Int64) {
        guard let most = bound.worstCase(price) else { return nil }
        let plain = Usage(inputTokens: 1)
        var cached = plain
        cached.cachedInputTokens = 1
        let guess = Usage(
            inputTokens: max(1, request.estimatedInputTokens),
            outputTokens: min(bound.outputTokens, Self.usualOutput))
        let costs = [cached, plain].compactMap { price.cost(of: $0, at: wallSeconds)?.amount }
        guard let least = costs.min(), let likely = price.cost(of: guess, at: wallSeconds)?.amount else { return nil }
        self.least = min(least, most)
        self.likely = min(likely, most)
        self.most = most
    }
}
