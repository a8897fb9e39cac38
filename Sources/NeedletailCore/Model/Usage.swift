/// Tokens spent by one call.
///
/// One convention for all dialects, so that nothing is counted twice: ``inputTokens`` is *all* input, cached parts
/// included, and ``outputTokens`` is *all* output, reasoning included. The other fields say how much of these two was
/// of a special kind.
public struct Usage: Sendable, Hashable {
    /// All input tokens, those read from and written to a prompt cache included.
    public var inputTokens: Int
    /// All output tokens, reasoning included.
    public var outputTokens: Int
    /// Of the input: read from a prompt cache.
    public var cachedInputTokens: Int?
    /// Of the input: written to a prompt cache.
    public var cacheWriteTokens: Int?
    /// Of the cache writes: with a lifetime of an hour.
    public var cacheWrite1hTokens: Int?
    /// Of the output: reasoning.
    public var reasoningTokens: Int?
    /// Of the input: audio.
    public var audioInputTokens: Int?
    /// Of the output: audio.
    public var audioOutputTokens: Int?
    /// Of the output: predicted tokens that were used.
    public var acceptedPredictionTokens: Int?
    /// Of the output: predicted tokens that were thrown away.
    public var rejectedPredictionTokens: Int?
    /// Web searches that the provider ran.
    public var webSearches: Int?
    /// Of the input: pictures, where the provider counts them apart.
    public var imageInputTokens: Int?
    /// Of the output: pictures, where the provider counts them apart.
    public var imageOutputTokens: Int?
    /// Pictures that were made.
    public var images: Int?
    /// How urgently the provider worked, where that was not as usual.
    public var serviceTier: ServiceTier?
    /// How long the provider says that it took.
    public var timing: ProviderTiming?
    /// Fields of the provider's usage object that have no place above, as JSON members.
    public var extensions: [Extension]

    /// Creates a usage.
    public init(inputTokens: Int = 0, outputTokens: Int = 0) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.extensions = []
    }

    /// Input and output together.
    public var totalTokens: Int {
        let (sum, overflow) = self.inputTokens.addingReportingOverflow(self.outputTokens)
        return overflow ? .max : sum
    }
}
