public import NeedletailCore

/// What a ``Balancer`` may know of the request that it finds a target for.
public struct RoutingQuestion: Sendable {
    /// The model asked for, where a target does not name its own.
    public var model: String
    /// What the model must be able to do.
    public var features: Features
    /// A conservative guess at the input tokens.
    public var estimatedInputTokens: Int
    /// The most output tokens that the client allows, where it says.
    public var maxOutputTokens: Int?
    /// Whether the reply is to be streamed.
    public var isStreaming: Bool
    /// The time.
    public var now: Instant
    /// Where to draw from.
    public var random: RandomSource
    /// Equal for requests that should go to the same target; `nil` for one that may go anywhere.
    public var affinity: UInt64?
    /// Whether the answer is only looked at: nothing may change by it, no turn be taken.
    public var isPeek: Bool

    /// Asks about a request.
    public init(
        _ request: InferenceRequest,
        now: Instant,
        random: RandomSource,
        affinity: UInt64? = nil,
        isPeek: Bool = false
    ) {
        self.model = request.model
        self.features = request.features
        self.estimatedInputTokens = request.estimatedInputTokens
        self.maxOutputTokens = request.maxOutputTokens
        self.isStreaming = request.isStreaming
        self.now = now
        self.random = random
        self.affinity = affinity
        self.isPeek = isPeek
    }

    /// Asks about a request of which nothing but these facts is known.
    public init(
        model: String = "",
        features: Features = [],
        estimatedInputTokens: Int = 0,
        maxOutputTokens: Int? = nil,
        isStreaming: Bool = false,
        now: Instant,
        random: RandomSource,
        affinity: UInt64? = nil,
        isPeek: Bool = false
    ) {
        self.model = model
        self.features = features
        self.estimatedInputTokens = estimatedInputTokens
        self.maxOutputTokens = maxOutputTokens
        self.isStreaming = isStreaming
        self.now = now
        self.random = random
        self.affinity = affinity
        self.isPeek = isPeek
    }
}
