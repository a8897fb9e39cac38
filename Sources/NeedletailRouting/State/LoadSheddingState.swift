import NeedletailCore

/// Whether a request may begin while so many run: low priority gives way first, so that the rest is there for what is
/// worth more. Pure.
struct LoadSheddingState: Sendable, Hashable {
    /// The most requests at a time.
    private(set) var maximum: Int
    /// Requests that run.
    private(set) var running = 0

    init(maximum: Int) {
        self.maximum = max(1, maximum)
    }

    /// The most requests that may run for one of a priority to begin: 80 % for low, 95 % for normal, all for high; at
    /// least one, and less than all for what is not high wherever that leaves one.
    func limit(_ priority: RequestPriority) -> Int {
        switch priority {
        case .low: max(1, self.maximum * 80 / 100)
        case .normal: max(1, self.maximum * 95 / 100)
        case .high: self.maximum
        }
    }

    /// Begins a request, or not.
    mutating func begin(_ priority: RequestPriority) -> Bool {
        guard self.running < self.limit(priority) else { return false }
        self.running += 1
        return true
    }

    /// Ends a request that has begun.
    mutating func end() {
        self.running -= 1
    }
}
