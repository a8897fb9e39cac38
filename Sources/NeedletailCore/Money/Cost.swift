/// What a call cost.
public struct Cost: Sendable, Hashable {
    /// How surely an amount is what the provider bills.
    public enum Accuracy: String, Sendable, Hashable, Comparable, CaseIterable {
        /// The provider's own counts times listed rates.
        case exact
        /// Counts that the provider gave before the call broke off; the rest is bounded from above.
        case providerPartial = "provider_partial"
        /// Bounded from above, without the provider's counts or without a rate of its own for each kind.
        case estimated

        /// Orders by doubt.
        public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .exact: 0
            case .providerPartial: 1
            case .estimated: 2
            }
        }
    }

    /// How much.
    public var amount: Money
    /// How surely.
    public var accuracy: Accuracy

    /// Creates a cost.
    public init(_ amount: Money, _ accuracy: Accuracy = .exact) {
        self.amount = amount
        self.accuracy = accuracy
    }

    /// The sum, as doubtful as the more doubtful of both.
    public static func + (left: Self, right: Self) -> Self {
        Self(left.amount + right.amount, max(left.accuracy, right.accuracy))
    }
}
