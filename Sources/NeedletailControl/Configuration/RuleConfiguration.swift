public import NeedletailRouting

/// A rule that sends requests elsewhere.
public struct RouteConfiguration: Sendable, Hashable {
    /// The name, for people: what the file says, or `rule-1` for the first and so on.
    public var name: String
    /// Whether it is looked at.
    public var isEnabled = true
    /// What requests must be like.
    public var condition = RuleCondition()
    /// Where they go.
    public var destination: TargetConfiguration.Destination
    /// Where copies of some go.
    public var shadow: ShadowConfiguration?
    /// Where it stands.
    public var position: SourcePosition?
}

/// Requests that are divided among arms, which are compared.
public struct ExperimentConfiguration: Sendable, Hashable {
    /// One way.
    public struct Arm: Sendable, Hashable {
        /// The name: what the file says, or where it leads.
        public var name: String
        /// Where it leads.
        public var destination: TargetConfiguration.Destination
        /// Its share beside the others'. Default 1.
        public var weight = 1.0
    }

    /// The name.
    public var name: String
    /// Whether it is looked at.
    public var isEnabled = true
    /// Which requests take part.
    public var condition = RuleCondition()
    /// How arms are drawn.
    public var draw: StickyShare
    /// The arms, at least two.
    public var arms: [Arm] = []
    /// Where it stands.
    public var position: SourcePosition?
}

/// Who answers for requests of which complexity.
public struct TiersConfiguration: Sendable, Hashable {
    /// The targets of each tier that has any.
    public var targets: [TierRouter.Tier: [TargetConfiguration]] = [:]
    /// Where tiers end.
    public var thresholds = TierRouter.Thresholds()
    /// How much the parts of the score count.
    public var weights = ComplexityScore.Weights()
}

/// Where copies of some requests go, answering nobody.
public struct ShadowConfiguration: Sendable, Hashable {
    /// Where to.
    public var destination: TargetConfiguration.Destination
    /// How many.
    public var settings: ShadowTraffic.Settings
}
