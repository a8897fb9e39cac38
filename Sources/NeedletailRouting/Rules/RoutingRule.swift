/// One rule: requests that are so go there.
public struct RoutingRule: Sendable {
    /// The name, for people; unique.
    public let name: String
    /// What requests must be like.
    public let condition: RuleCondition
    /// Where they go.
    public let destination: RoutingDestination
    /// Where copies of some go besides; `nil` for nowhere.
    public let shadow: ShadowTraffic?

    /// Creates a rule.
    public init(
        name: String, condition: RuleCondition, destination: RoutingDestination, shadow: ShadowTraffic? = nil
    ) {
        self.name = name
        self.condition = condition
        self.destination = destination
        self.shadow = shadow
    }
}
