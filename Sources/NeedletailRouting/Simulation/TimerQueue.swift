import NeedletailCore

/// Who sleeps until when: a binary heap by time and, at the same time, by who came first. Pure.
struct TimerQueue {
    /// One sleeper.
    struct Timer {
        /// When it is woken.
        var at: Instant
        /// Its number; numbers grow.
        var serial: UInt64

        fileprivate func isBefore(_ other: Self) -> Bool {
            (self.at, self.serial) < (other.at, other.serial)
        }
    }

    private var heap: [Timer] = []

    /// The one that is woken next.
    var first: Timer? { self.heap.first }

    /// Adds a sleeper.
    mutating func insert(_ timer: Timer) {
        self.heap.append(timer)
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child].isBefore(self.heap[parent]) else { return }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the one that is woken next.
    mutating func popFirst() -> Timer? {
        guard let first = self.heap.first, let last = self.heap.popLast() else { return nil }
        guard !self.heap.isEmpty else { return first }
        self.heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < self.heap.count && self.heap[child].isBefore(self.heap[smallest]) {
                smallest = child
            }
            guard smallest != parent else { return first }
            self.heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
