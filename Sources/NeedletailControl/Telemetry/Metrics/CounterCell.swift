import Synchronization

/// One counter: a number that only grows. Lock-free.
final class CounterCell: Sendable {
    private let count = Atomic<Int>(0)

    /// The count, in the smallest unit of its family.
    var value: Int { self.count.load(ordering: .relaxed) }

    /// Adds to it; what would be less than nothing is left out.
    func add(_ amount: Int = 1) {
        guard amount > 0 else { return }
        self.count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Begins again at zero: a new counter to those who read it.
    func reset() {
        self.count.store(0, ordering: .relaxed)
    }
}
