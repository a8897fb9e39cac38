public import NeedletailCore

/// Who answers for a name, and in which order they are asked: declared once, made into a ``Router``.
///
/// ```swift
/// let group = FailoverGroup("chat", strategy: .priority, members: [
///     .provider(openAI, model: "gpt-4o-mini"),
///     .group(FailoverGroup("spares", strategy: .roundRobin, members: [.provider(anthropic), .provider(gemini)])),
/// ])
/// let client = ChatClient(try group.makeRouter())
/// ```
///
/// Members may be groups. The targets of all of them stand in one list, so that one loop counts all attempts of a
/// request, by the rules of the outermost group: a nested group multiplies nothing.
public struct FailoverGroup: Sendable {
    /// The group's name.
    public var name: ProviderID
    /// How it chooses.
    public var strategy: FailoverStrategy
    /// Who answers.
    public var members: [FailoverMember]
    /// Who answers when no member does, in this order.
    public var fallbacks: [FailoverMember]
    /// Who answers a request that has more tokens than a member takes; empty for ``fallbacks``.
    public var contextWindowFallbacks: [FailoverMember]
    /// Who answers a request that a member's filter refused; empty for ``fallbacks``.
    public var contentFilterFallbacks: [FailoverMember]
    /// How it tries. Of a group inside another the outermost one's count.
    public var options: RouterOptions
    /// The health below which a member is left out as long as another is healthy, 0 to 1; `nil` for never. Default 0.7.
    public var healthThreshold: Double?
    /// How long a member that comes back takes to its full share; zero for at once. Default 30 s.
    public var slowStart: Duration
    /// What requests that go to the same member have in common; `nil` for nothing. Of the outermost group.
    public var affinity: AffinityRule?

    /// Creates a group.
    public init(
        _ name: ProviderID,
        strategy: FailoverStrategy = .priority,
        members: [FailoverMember],
        fallbacks: [FailoverMember] = [],
        contextWindowFallbacks: [FailoverMember] = [],
        contentFilterFallbacks: [FailoverMember] = [],
        options: RouterOptions = RouterOptions(),
        healthThreshold: Double? = 0.7,
        slowStart: Duration = .seconds(30),
        affinity: AffinityRule? = nil
    ) {
        self.name = name
        self.strategy = strategy
        self.members = members
        self.fallbacks = fallbacks
        self.contextWindowFallbacks = contextWindowFallbacks
        self.contentFilterFallbacks = contentFilterFallbacks
        self.options = options
        self.healthThreshold = healthThreshold
        self.slowStart = slowStart
        self.affinity = affinity
    }

    /// Makes who answers. Each call makes one that knows nothing of the others.
    ///
    /// - Parameters:
    ///   - deployments: Where breakers, limits and statistics are kept by provider and model; give several groups the
    ///     same, so that what one finds out all know.
    /// - Throws: `.invalidRequest` for a group without members, with more than ``TargetSet/capacity`` targets, or with
    ///   weights that sum to nothing where weights count.
    public func makeRouter(
        deployments: DeploymentTable = DeploymentTable(),
        time: TimeSource = .live,
        random: RandomSource = .live
    ) throws(NeedletailError) -> Router {
        let layout = try FailoverLayout(self, deployments: deployments, time: time)
        func targets(_ members: [FailoverMember]) throws(NeedletailError) -> [Target] {
            guard !members.isEmpty else { return [] }
            var other = self
            other.members = members
            other.strategy = .priority
            return try FailoverLayout(other, deployments: deployments, time: time).targets
        }
        let fallbacks = FallbackTargets(
            any: try targets(self.fallbacks), contextWindow: try targets(self.contextWindowFallbacks),
            contentFilter: try targets(self.contentFilterFallbacks))
        let count =
            layout.targets.count + fallbacks.any.count + fallbacks.contextWindow.count + fallbacks.contentFilter.count
        guard count <= TargetSet.capacity else {
            throw NeedletailError(
                .invalidRequest,
                "The group '\(self.name)' has \(count) targets; at most \(TargetSet.capacity) are possible.")
        }
        return Router(
            id: self.name, targets: layout.targets, balancer: layout.balancer, fallbacks: fallbacks,
            options: self.options, time: time, random: random)
    }
}
