/// What one rule or experiment makes of a request, for people.
public struct RuleVerdict: Sendable, Hashable {
    /// Whether it is a rule or an experiment.
    public enum Kind: String, Sendable, Hashable {
        case rule, experiment
    }

    /// Why it holds or does not.
    public enum Reason: Sendable, Hashable, CustomStringConvertible {
        /// Everything fits.
        case holds
        /// This is the first that does not fit.
        case mismatch(RuleCondition.Part)
        /// Another provider keeps what the request goes on from.
        case otherProviderKeepsState

        /// A few words.
        public var description: String {
            switch self {
            case .holds: "holds"
            case .mismatch(let part): "does not fit: \(part.rawValue)"
            case .otherProviderKeepsState: "another provider keeps what the request goes on from"
            }
        }
    }

    /// Whether it is a rule or an experiment.
    public var kind: Kind
    /// Its name.
    public var name: String
    /// Where it leads.
    public var destination: RoutingDestination
    /// The arm that this request draws, of an experiment.
    public var arm: String?
    /// Why it holds or does not.
    public var reason: Reason

    /// Whether the request goes there.
    public var holds: Bool { self.reason == .holds }
}
