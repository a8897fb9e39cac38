public import NeedletailCore

/// Vectors, and where they came from.
public struct Embeddings: Sendable, Hashable {
    /// One for each input, in order.
    public var vectors: [[Float]]
    /// Who answered.
    public var provider: ProviderID
    /// The model, in the provider's words.
    public var model: String
    /// The tokens spent; of a joined call the caller's part of them. `nil` if the provider did not say.
    public var usage: Usage?
    /// What the request lost in translation.
    public var losses: [Loss]

    /// Creates vectors.
    public init(
        vectors: [[Float]], provider: ProviderID, model: String, usage: Usage? = nil, losses: [Loss] = []
    ) {
        self.vectors = vectors
        self.provider = provider
        self.model = model
        self.usage = usage
        self.losses = losses
    }
}
