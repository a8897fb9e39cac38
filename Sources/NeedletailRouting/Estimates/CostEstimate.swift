public import NeedletailCore

/// What a request would cost at one place, before it is sent: at least and at most, in exact dollars.
public struct CostEstimate: Sendable, Hashable, Comparable {
    /// Who would be asked.
    public var provider: ProviderID
    /// The model, in the provider's words.
    public var model: String
    /// The least, as if the provider's cache held the prompt and the answer were one token; `nil` for an unknown price,
    /// which is not zero.
    public var least: Money?
    /// The most that a call can be billed within the request's limit of output, or else the model's; `nil` for an unknown
    /// price.
    public var most: Money?

    /// Tokens that an estimate may owe to JSON around the text.
    private static let scaffolding = 64
    /// An estimate counts a token for three bytes; no text in use has more than six.
    private static let certainShare = 2

    /// Estimates a request.
    ///
    /// - Parameter known: What is known of the model's price.
    public init(_ request: InferenceRequest, provider: ProviderID, model: String, _ known: PricedModel) {
        self.provider = provider
        self.model = model
        guard let price = known.price else { return }
        let bound = CallBound(request, modelLimit: known.outputLimit, imageTokens: known.imageTokens)
        self.most = bound.worstCase(price)
        // Nobody knows how few tokens a picture or a recording is.
        let isText = request.features.isDisjoint(with: [.images, .documents, .audio])
        let input = isText ? max(1, request.estimatedInputTokens / Self.certainShare - Self.scaffolding) : 1
        self.least = price.leastCost(
            inputTokens: min(input, bound.inputTokens), outputTokens: min(1, bound.outputTokens))
        if let least, let most { self.least = min(least, most) }
    }

    /// Orders by the most, then the least; what is unknown comes last.
    public static func < (left: Self, right: Self) -> Bool {
        switch (left.most, right.most) {
        case (let left?, let right?) where left != right: return left < right
        case (_?, nil): return true
        case (nil, _?): return false
        default: break
        }
        if let one = left.least, let other = right.least, one != other { return one < other }
        return (left.provider.rawValue, left.model) < (right.provider.rawValue, right.model)
    }
}
