import Synchronization

/// How many requests are under way, or wait; shared by whoever counts and whoever shows it.
public final class InFlightCount: Sendable {
    private let count = Atomic<Int>(0)

    /// Starts at zero.
    public init() {}

    /// How many there are now, streams that still run included.
    public var value: Int { self.count.load(ordering: .relaxed) }

    func begin() { self.count.wrappingAdd(1, ordering: .relaxed) }
    func end() { self.count.wrappingSubtract(1, ordering: .relaxed) }
}
