public import NeedletailCore

/// What a router would do with a request now: who is a candidate, why each is kept or left out, and in which order they
/// would be asked. Nothing changes by it and nobody is called.
///
/// The first of the order is the one that is then asked. Those after it are as things stand: what a failure teaches the
/// strategy may put another one second.
public struct RoutingExplanation: Sendable {
    /// One target.
    public struct Candidate: Sendable {
        /// Its place in the router's list, which scores and order count by.
        public var index: Int
        /// The model and provider.
        public var deployment: Deployment.Key
        /// The model that it would be asked for.
        public var model: String
        /// What the group has it for.
        public var role: TargetRole
        /// Lower is asked first, where the strategy looks at that.
        public var priority: Int
        /// Its share, where the strategy looks at that.
        public var weight: Double
        /// What a call is expected to cost in pico-dollars; `nil` where nobody knows.
        public var cost: Int64?
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
    /// When it was so.
    public var time: Instant
    /// The tier of the request, in a group that has tiers.
    public var tier: TierRouter.Explanation?
    /// All targets, fallbacks included.
    public var candidates: [Candidate]
    /// The indices in the order in which they would be asked, each once; not longer than ``maximumAttempts``.
    public var order: [Int]
    /// The most calls.
    public var maximumAttempts: Int
    /// What is left of the group's own limits, by scope.
    public var limits: [(scope: String, headroom: LimitHeadroom)]
    /// What becomes of a stream that breaks; `nil` where none is asked for.
    public var midStream: MidStreamPolicy?
    /// Why the group's own limits would refuse it; `nil` if they would not.
    public var groupRefusal: Refusal?
    /// Whether the request would wait for its turn, or for somebody who may be asked.
    public var waits: Bool
    /// What the client would be told when nobody may be asked; `nil` while somebody may, or it waits.
    public var failure: NeedletailError?

    /// A target of the list.
    public func candidate(_ index: Int) -> Candidate? { self.candidates.first { $0.index == index } }
}

/// Who can say what would become of a request, without asking anybody.
public protocol ExplainingProvider: Provider {
    /// What would become of a request now; `nil` where that cannot be told.
    func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation?
}

extension LimitScope {
    /// What is left, with the name; `nil` where nothing is limited.
    func explained(now: Instant) -> (scope: String, headroom: LimitHeadroom)? {
        self.policy.isEmpty ? nil : (self.name, self.headroom(now: now))
    }
}
