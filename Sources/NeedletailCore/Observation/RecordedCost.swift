import Synchronization

/// What a call or a request cost, filled in once by whoever knows prices.
public final class RecordedCost: Sendable {
    /// No price can be this.
    private static let unknown = Int64.min
    private let cell = Atomic<Int64>(RecordedCost.unknown)

    /// Creates a cost that nobody knows yet.
    public init() {}

    /// The cost in pico-dollars (10⁻¹² dollars); `nil` as long as nobody has said, and where the price is not known.
    public var picoDollars: Int64? {
        let value = self.cell.load(ordering: .relaxed)
        return value == Self.unknown ? nil : value
    }

    /// Records the cost.
    ///
    /// - Parameter picoDollars: In pico-dollars, which reaches to 9.2 million dollars.
    public func set(picoDollars: Int64) {
        self.cell.store(picoDollars, ordering: .relaxed)
    }
}
