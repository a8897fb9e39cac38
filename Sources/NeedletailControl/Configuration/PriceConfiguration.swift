public import NeedletailCore
public import NeedletailProviders
import NeedletailRouting

/// What the operator says of prices.
public struct PriceConfiguration: Sendable, Hashable {
    /// What a budget does with a call whose price nobody knows.
    public enum Unknown: Sendable, Hashable {
        /// It is refused.
        case refuse
        /// It is let through and counts as nothing.
        case allow
        /// It is let through and counts as so much.
        case perCall(Money)

        var tariff: MeteringLayer.UnknownPrice {
            switch self {
            case .refuse: .refuse
            case .allow: .count(.zero)
            case .perCall(let money): .count(money)
            }
        }
    }

    /// What a budget does with a call whose price nobody knows. Default ``Unknown/refuse``.
    public var unknown = Unknown.refuse
    /// Prices of models, in the order of the file.
    public var statements: [PriceBook.Statement] = []

    /// The defaults.
    public init() {}
}
