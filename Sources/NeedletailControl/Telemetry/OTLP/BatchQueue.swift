import NeedletailCore
import Synchronization

/// What waits to be sent, bounded: what does not fit is dropped and counted.
final class BatchQueue<Element: Sendable>: Sendable {
    private let waiting = Mutex<[Element]>([])
    private let lost = Atomic<Int>(0)
    private let capacity: Int

    /// Creates an empty queue.
    ///
    /// - Parameter capacity: At least 1.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// How many were dropped.
    var dropped: Int { self.lost.load(ordering: .relaxed) }
    /// How many wait.
    var count: Int { self.waiting.withLock { $0.count } }

    /// Takes an element, or drops it. Never waits.
    func push(_ element: Element) {
        let fits = self.waiting.withLock { waiting -> Bool in
            guard waiting.count < self.capacity else { return false }
            waiting.append(element)
            return true
        }
        if !fits { self.lost.wrappingAdd(1, ordering: .relaxed) }
    }

    /// Puts one that was taken back to the front, whether or not there is room.
    func putBack(_ element: Element) {
        self.waiting.withLock { $0.insert(element, at: 0) }
    }

    /// Counts elements that were taken and could not be sent.
    func drop(_ count: Int) {
        self.lost.wrappingAdd(count, ordering: .relaxed)
    }

    /// Takes the oldest out.
    ///
    /// - Parameter limit: At most so many.
    func take(_ limit: Int) -> [Element] {
        self.waiting.withLock { waiting in
            guard waiting.count > limit else {
                defer { waiting = [] }
                return waiting
            }
            let taken = Array(waiting.prefix(limit))
            waiting.removeFirst(limit)
            return taken
        }
    }
}
