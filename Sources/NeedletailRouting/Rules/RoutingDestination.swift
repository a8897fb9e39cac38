public import NeedletailCore

/// Where a rule or an experiment sends a request.
public struct RoutingDestination: Sendable, Hashable, CustomStringConvertible {
    /// Whom to ask.
    public enum Place: Sendable, Hashable {
        /// A group; its targets name their models, or are asked for what the client wrote.
        case group(String)
        /// A provider; with no model it is asked for what the client wrote.
        case provider(String, model: String?)
    }

    /// Whom to ask.
    public let place: Place
    /// All providers that it may lead to. A request that goes on from what one of them keeps goes nowhere else.
    public let providers: Set<ProviderID>

    /// Creates a destination.
    public init(_ place: Place, providers: Set<ProviderID>) {
        self.place = place
        self.providers = providers
    }

    /// As it stands in the configuration.
    public var description: String {
        switch self.place {
        case .group(let name): name
        case .provider(let name, let model): model.map { "\(name)/\($0)" } ?? name
        }
    }
}
