import NeedletailCore
import Synchronization

/// What waits to be sent, bounded: what does not fit is dropped and counted.
final class BatchQueue<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var isClosed = false
    }

    private let waiting = Mutex(State())
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
    var count: Int { self.waiting.withLock { $0.elements.count } }
    /// Whether it takes no more.
    var isClosed: Bool { self.waiting.withLock { $0.isClosed } }

    /// Takes an element, or drops it. Never waits.
    ///
    /// - Returns: `false` from a queue that is closed, which has done neither.
    @discardableResult
    func push(_ element: Element) -> Bool {
        let (isOpen, fits) = self.waiting.withLock { state -> (Bool, Bool) in
            guard !state.isClosed else { return (false, true) }
            guard state.elements.count < self.capacity else { return (true, false) }
            state.elements.append(element)
            return (true, true)
        }
        if !fits { self.lost.wrappingAdd(1, ordering: .relaxed) }
        return isOpen
    }

    /// Takes no more from now on; what waits goes on waiting.
    func close() { self.waiting.withLock { $0.isClosed = true } }

    /// Puts some that were taken back to the front, whether or not there is room.
    func putBack(_ elements: [Element]) {
        self.waiting.withLock { $0.elements.insert(contentsOf: elements, at: 0) }
    }

    /// Counts elements that were taken and could not be sent.
    func drop(_ count: Int) {
        self.lost.wrappingAdd(count, ordering: .relaxed)
    }

    /// Takes the oldest out.
    ///
    /// - Parameter limit: At most so many.
    func take(_ limit: Int) -> [Element] {
        self.waiting.withLock { state in
            guard state.elements.count > limit else {
                defer { state.elements = [] }
                return state.elements
            }
            let taken = Array(state.elements.prefix(limit))
            state.elements.removeFirst(limit)
            return taken
        }
    }
}
