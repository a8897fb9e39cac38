import Synchronization

/// Queues to tell when something becomes free, in the order in which they asked; each is told once and forgotten.
///
/// Bounded by the routers there are: a queue stands in it once. Telling costs one atomic load where nobody waits.
final class WaitingQueues: Sendable {
    private struct Entry: Sendable {
        weak var queue: AdmissionQueue?
    }

    private let isEmpty = Atomic<Bool>(true)
    private let entries = Mutex<[Entry]>([])

    func add(_ queue: AdmissionQueue) {
        self.entries.withLock { entries in
            // Few: one for each group that leads here.
            entries.removeAll { $0.queue == nil }
            if !entries.contains(where: { $0.queue === queue }) { entries.append(Entry(queue: queue)) }
            self.isEmpty.store(false, ordering: .sequentiallyConsistent)
        }
    }

    func poke() {
        guard !self.isEmpty.load(ordering: .sequentiallyConsistent) else { return }
        let queues = self.entries.withLock { entries -> [AdmissionQueue] in
            defer {
                entries = []
                self.isEmpty.store(true, ordering: .sequentiallyConsistent)
            }
            return entries.compactMap(\.queue)
        }
        for queue in queues { queue.poke() }
    }
}
