import Synchronization

/// How many requests are under way; shared by the layer that counts and whoever shows it.
public final class InFlightCount: Sendable {
    private let count = Atomic<Int>(0)

    /// Starts at zero.
    public init() {}

    /// The requests under way, streams that still run included.
    public var value: Int { self.count.load(ordering: .relaxed) }

    func begin() { self.count.wrappingAdd(1, ordering: .relaxed) }
    func end() { self.count.wrappingSubtract(1, ordering: .relaxed) }
}
