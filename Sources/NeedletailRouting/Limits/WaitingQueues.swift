import Synchronization

/// Queues to tell when something becomes free; each is told once and forgotten.
///
/// Bounded by the routers there are: a queue stands in it once. Telling costs one atomic load where nobody waits.
final class WaitingQueues: Sendable {
    private struct Entry: Sendable {
        weak var queue: AdmissionQueue?
    }

    private let isEmpty = Atomic<Bool>(true)
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    func add(_ queue: AdmissionQueue) {
        self.entries.withLock { entries in
            entries[ObjectIdentifier(queue)] = Entry(queue: queue)
            self.isEmpty.store(false, ordering: .sequentiallyConsistent)
        }
    }

    func poke() {
        guard !self.isEmpty.load(ordering: .sequentiallyConsistent) else { return }
        let queues = self.entries.withLock { entries -> [AdmissionQueue] in
            defer {
                entries = [:]
                self.isEmpty.store(true, ordering: .sequentiallyConsistent)
            }
            return entries.values.compactMap(\.queue)
        }
        for queue in queues { queue.poke() }
    }
}
