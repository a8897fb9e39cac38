public import NeedletailRouting

/// Of what a rule watches its metric: everything of a kind whose name fits, each by itself.
public struct AlertScope: Sendable, Hashable {
    /// The kinds.
    public enum Dimension: String, Sendable, Hashable, CaseIterable {
        /// Everything together.
        case gateway
        /// A provider, by its name.
        case provider
        /// A model at a provider, `provider/model`.
        case model
        /// What clients ask for: a name under `models:`, or `provider/model`.
        case group
        /// A client key, by its name.
        case key
        /// A tenant.
        case tenant
        /// A count of a budget, `name` or `name/subject`.
        case budget
        /// An objective; for the built-in rules alone.
        case objective

        /// Its place among the kinds: hashing what it is called takes longer than counting.
        var ordinal: UInt8 {
            switch self {
            case .gateway: 0
            case .provider: 1
            case .model: 2
            case .group: 3
            case .key: 4
            case .tenant: 5
            case .budget: 6
            case .objective: 7
            }
        }
    }

    /// The kind.
    public var dimension: Dimension
    /// The names.
    public var glob: ModelGlob

    /// Creates a scope.
    ///
    /// - Parameter pattern: A name, in which `*` stands for any text.
    public init(_ dimension: Dimension, _ pattern: String = "*") {
        self.dimension = dimension
        self.glob = ModelGlob(pattern)
    }

    /// The name of the only thing of the kind ``Dimension/gateway``.
    static let gateway = "gateway"
    /// The kinds that a rule may name.
    static let configurable: [Dimension] = [.provider, .model, .group, .key, .tenant, .budget]
}
