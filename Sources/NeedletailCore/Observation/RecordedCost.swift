import Synchronization

/// What a call or a request cost, filled in by whoever knows prices: once for a call, once for each call of a request.
public final class RecordedCost: Sendable {
    private struct State {
        var cost: Cost?
        var isUnknown = false
        var isOverHold = false
        /// The most that calls under way may still cost.
        var reserved = Money.zero
    }

    private let state = Mutex(State())

    /// Creates a cost that nobody knows yet.
    public init() {}

    /// The cost; `nil` as long as nobody has said, and where the price of any part is not known.
    public var value: Cost? { self.state.withLock { $0.isUnknown ? nil : $0.cost } }

    /// Whether it turned out dearer than what had been held for it before it was made.
    public var isOverHold: Bool { self.state.withLock { $0.isOverHold } }

    /// The cost in pico-dollars (10⁻¹² dollars), cut to what fits; `nil` as ``value``.
    public var picoDollars: Int64? { self.value.map { Int64(clamping: $0.amount.picodollars) } }

    /// Reserves the most that a call may cost, so that calls beside each other keep one bound together.
    ///
    /// - Returns: Whether what was spent, what is reserved and this stay within `most`; if not, nothing is reserved.
    public func reserve(_ money: Money, within most: Money) -> Bool {
        self.state.withLock { state in
            guard (state.cost?.amount ?? .zero) + state.reserved + money <= most else { return false }
            state.reserved = state.reserved + money
            return true
        }
    }

    /// Gives back what was reserved; called once for each ``reserve(_:within:)`` that succeeded.
    public func release(_ money: Money) {
        self.state.withLock { $0.reserved = Money(picodollars: $0.reserved.picodollars - money.picodollars) }
    }

    /// Adds a part; `nil` for one whose price is not known.
    public func add(_ cost: Cost?, isOverHold: Bool = false) {
        self.state.withLock { state in
            if let cost { state.cost = state.cost.map { $0 + cost } ?? cost } else { state.isUnknown = true }
            if isOverHold { state.isOverHold = true }
        }
    }

    /// Sets the cost to what a provider counted and lists.
    ///
    /// - Parameter picoDollars: In pico-dollars.
    public func set(picoDollars: Int64) {
        self.state.withLock { $0 = State(cost: Cost(Money(picodollars: Int128(picoDollars)))) }
    }
}
