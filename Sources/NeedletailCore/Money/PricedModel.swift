/// What is known of a model at a provider, for money's sake; one object per pair, so that a call takes a reference.
public final class PricedModel: Sendable {
    /// What it costs; `nil` for unknown.
    public let price: Price?
    /// The most output tokens; `nil` for unknown.
    public let outputLimit: Int?
    /// The most input tokens that a picture is; `nil` for no more than ``InferenceRequest/estimatedInputTokens`` allows for.
    public let imageTokens: Int?

    /// Creates a record.
    public init(price: Price?, outputLimit: Int? = nil, imageTokens: Int? = nil) {
        self.price = price
        self.outputLimit = outputLimit
        self.imageTokens = imageTokens
    }
}
