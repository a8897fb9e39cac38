public import NeedletailCore
public import NeedletailRouting

/// A failover group: a name that clients may ask for, and who answers.
public struct GroupConfiguration: Sendable, Hashable {
    /// How a group chooses among its targets.
    public enum Strategy: String, Sendable, Hashable, CaseIterable {
        /// The lowest priority first.
        case priority
        /// In turn.
        case roundRobin = "round_robin"
        /// By weight.
        case weighted
        /// The fewest running requests.
        case leastLoaded = "least_loaded"
        /// The quickest.
        case fastestFirst = "fastest_first"
        /// By speed, as a weight.
        case latencyWeighted = "latency_weighted"
        /// The better of two at random.
        case loadBalanced = "load_balanced"
        /// The cheapest.
        case costOptimal = "cost_optimal"
        /// The best by several measures.
        case adaptive
        /// By what has been learnt.
        case learned
    }

    /// What happens to a stream that breaks.
    public enum MidStream: String, Sendable, Hashable {
        /// It ends with an error event.
        case never
        /// It starts again elsewhere.
        case restart
        /// It goes on elsewhere.
        case `continue`
    }

    /// The name; empty for the default group.
    public var name: String
    /// Whether it may be asked.
    public var isEnabled = true
    /// How it chooses.
    public var strategy = Strategy.priority
    /// Who answers; targets that are switched off, or whose provider is, are left out.
    public var targets: [TargetConfiguration] = []
    /// All calls of one request. Default 3.
    public var maxAttempts = 3
    /// The health below which a target is left out, 0 to 1; `nil` for never.
    public var healthThreshold: Double?
    /// How long a target that comes back takes to its full share; zero for at once. Default 30 s.
    public var slowStart = Duration.seconds(30)
    /// What requests that go to the same target have in common; `nil` for nothing.
    public var affinity: AffinityRule?
    /// What the measures of ``Strategy/adaptive`` weigh.
    public var adaptive = AdaptiveBalancer.Weights()
    /// What ``Strategy/learned`` looks at.
    public var learned = LearnedConfiguration()
    /// What happens to a stream that breaks.
    public var midStream = MidStream.never
    /// What an answer must hold to count as one.
    public var contract = ReplyContract()
    /// Who answers when no target can.
    public var fallbacks: [TargetConfiguration] = []
    /// Who answers a request that is too long for a target; `nil` for ``fallbacks``.
    public var contextWindowFallback: TargetConfiguration?
    /// Who answers a request that a provider's filter refused; `nil` for ``fallbacks``.
    public var contentFilterFallback: TargetConfiguration?
    /// Limits for all targets together.
    public var limits = LimitConfiguration()
    /// How many attempts beyond the first all requests together may make; `nil` for no bound.
    public var retryBudget: RetryBudgetPolicy? = RetryBudgetPolicy()
    /// How requests wait when no target may be asked.
    public var queue = QueuePolicy()
    /// When a second target is asked; `nil` for never.
    public var hedge: HedgePolicy?
    /// Whether equal requests share one call.
    public var coalesces = false
    /// Who answers instead of ``targets``, by how complex a request seems; `nil` for a group without tiers.
    public var tiers: TiersConfiguration?
    /// Where copies of some requests go.
    public var shadow: ShadowConfiguration?
    /// Where it stands.
    public var position: SourcePosition?

    /// Everybody who may be asked for it, tiers and fallbacks included.
    var everyTarget: [TargetConfiguration] {
        self.targets + self.allFallbacks + (self.tiers?.targets.values.flatMap(\.self) ?? [])
    }
}

/// What ``GroupConfiguration/Strategy/learned`` looks at; only the relations of the first three matter.
public struct LearnedConfiguration: Sendable, Hashable {
    /// What success weighs.
    public var success = 0.6
    /// What latency weighs.
    public var latency = 0.25
    /// What cost weighs.
    public var cost = 0.15
    /// The share that every target gets, 0 to 0.5.
    public var floor = 0.02
}

/// One who answers for a group.
public struct TargetConfiguration: Sendable, Hashable {
    /// Whom to ask.
    public enum Destination: Sendable, Hashable {
        /// A provider; with no model it is asked for the name that the client sent.
        case provider(String, model: String?)
        /// Another group.
        case group(String)

        /// As it stands in the file.
        var description: String {
            switch self {
            case .provider(let name, let model): model.map { "\(name)/\($0)" } ?? name
            case .group(let name): name
            }
        }
    }

    /// Whom to ask.
    public var destination: Destination
    /// The share; `nil` for the provider's.
    public var weight: Double?
    /// Lower goes first; `nil` for the provider's.
    public var priority: Int?
    /// The dialect to ask in, one that the provider's type speaks; `nil` for the provider's.
    public var api: DialectID?
    /// Where it stands.
    public var position: SourcePosition?
}
