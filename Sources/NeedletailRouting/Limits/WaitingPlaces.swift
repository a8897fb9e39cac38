import Synchronization

/// The places in which the requests of one group wait, whichever of its routers they came by. Bounded.
final class WaitingPlaces: Sendable {
    /// How many there are.
    let capacity: Int
    private let taken = Atomic<Int>(0)

    init(_ capacity: Int) {
        self.capacity = max(0, capacity)
    }

    /// Takes a place; false when there is none.
    func take() -> Bool {
        var count = self.taken.load(ordering: .relaxed)
        while count < self.capacity {
            let (isTaken, now) = self.taken.weakCompareExchange(
                expected: count, desired: count + 1, ordering: .relaxed)
            if isTaken { return true }
            count = now
        }
        return false
    }

    /// Gives a place back.
    func leave() {
        self.taken.wrappingSubtract(1, ordering: .relaxed)
    }
}
