/// What an objective is judged by, of some stretch of time.
struct ObjectiveCounts: Sendable, Hashable {
    /// Requests, without those that failed by the client's fault.
    var requests = 0
    /// Of these: failed.
    var failures = 0
    /// Streams that began.
    var streams = 0
    /// Of these: too late.
    var late = 0

    static func + (left: Self, right: Self) -> Self {
        Self(
            requests: left.requests + right.requests, failures: left.failures + right.failures,
            streams: left.streams + right.streams, late: left.late + right.late)
    }

    static func - (left: Self, right: Self) -> Self {
        Self(
            requests: left.requests - right.requests, failures: left.failures - right.failures,
            streams: left.streams - right.streams, late: left.late - right.late)
    }

    /// How many there were, and how many of them were bad.
    func total(_ promise: Objective.Promise) -> (all: Int, bad: Int) {
        switch promise {
        case .availability: (self.requests, self.failures)
        case .firstToken: (self.streams, self.late)
        }
    }

    /// The share that was bad; `nil` while there was nothing.
    func badShare(_ promise: Objective.Promise) -> Double? {
        let (all, bad) = self.total(promise)
        return all > 0 ? Double(bad) / Double(all) : nil
    }
}
