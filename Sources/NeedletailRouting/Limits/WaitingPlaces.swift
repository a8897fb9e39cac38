import NeedletailCore
import Synchronization

/// The places in which the requests of one group wait, whichever of its routers they came by. Bounded. When all are taken,
/// one who has more claim to a place takes it from one who has less, whichever queue that waits in.
final class WaitingPlaces: Sendable {
    private struct Entry: Sendable {
        weak var queue: AdmissionQueue?
    }

    /// How many there are.
    let capacity: Int
    private let taken = Atomic<Int>(0)
    private let arrivals = Atomic<UInt64>(0)
    /// The queues that have places here, in the order in which they were made. Bounded by the routers there are.
    private let entries = Mutex<[Entry]>([])

    init(_ capacity: Int) {
        self.capacity = max(0, capacity)
    }

    /// Lets those who wait in a queue have places here, and lose them.
    func add(_ queue: AdmissionQueue) {
        self.entries.withLock { entries in
            entries.removeAll { $0.queue == nil }
            entries.append(Entry(queue: queue))
        }
    }

    /// Takes a place, of those that are free or from one who has less claim.
    ///
    /// - Returns: Which arrival this is, counted over all queues; `nil` when there is no place.
    func take(for key: String, _ priority: RequestPriority) -> UInt64? {
        while !self.take() {
            let queues = self.entries.withLock { $0.compactMap(\.queue) }
            guard let loser = AdmissionQueueState.loser(among: queues.map(\.waiters), to: key, priority) else {
                return nil
            }
            // Where it has left meanwhile there is a place, or another has come to it.
            if queues[loser.queue].displace(loser.ticket) { break }
        }
        return self.arrivals.wrappingAdd(1, ordering: .relaxed).newValue
    }

    /// Takes a free place; false when there is none.
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
