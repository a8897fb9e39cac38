public import NeedletailCore

/// What a router would do with a request now: who is a candidate, why each is kept or left out, and in which order they
/// would be asked, each after the failure of the one before. Nothing changes by it and nobody is called.
public struct RoutingExplanation: Sendable {
    /// One target.
    public struct Candidate: Sendable {
        /// Its place in the router's list, which scores and order count by.
        public var index: Int
        /// The model and provider.
        public var deployment: Deployment.Key
        /// The model that it would be asked for.
        public var model: String
        /// Lower is asked first, where the strategy looks at that.
        public var priority: Int
        /// Its share, where the strategy looks at that.
        public var weight: Double
        /// Whether it is asked only when no own target is left.
        public var isFallback: Bool
        /// Why it cannot answer this request; `nil` if it can.
        public var unfit: NeedletailError?
        /// Why it may not be asked now; `nil` if it may.
        public var refusal: Refusal?
        /// How the balancer rates it, and why; `nil` where it is no candidate.
        public var score: TargetScore?
        /// Its circuit breaker.
        public var breaker: CircuitBreakerState.Snapshot
        /// What is left of its limits, by scope.
        public var limits: [(scope: String, headroom: LimitHeadroom)]
        /// From 0 to 1.
        public var health: Double
        /// Calls that run.
        public var inFlight: Int

        /// Whether it may be asked now.
        public var isKept: Bool { self.unfit == nil && self.refusal == nil }
    }

    /// The group's name.
    public var group: ProviderID
    /// All targets, fallbacks included.
    public var candidates: [Candidate]
    /// The indices in the order in which they would be asked; not longer than ``maximumAttempts``.
    public var order: [Int]
    /// The most calls.
    public var maximumAttempts: Int
    /// Why the group's own limits would refuse it; `nil` if they would not.
    public var groupRefusal: Refusal?
    /// What the client would be told when nobody may be asked now; `nil` while somebody may.
    public var failure: NeedletailError?
}
