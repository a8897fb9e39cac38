import NeedletailCore

/// What shadow traffic has shown, and how much of it may still be sent. Pure, and bounded.
struct ShadowState: Sendable {
    /// Whether a copy is sent, and if not, why.
    enum Admission: Sendable, Hashable {
        case send, overBudget, busy
    }

    /// The comparisons that are kept, the last ones.
    static let kept = 100

    private let budget: Int?
    private let concurrency: Int
    private var minute: Instant?
    private var sentThisMinute = 0
    private(set) var running = 0
    private(set) var counts = ShadowSnapshot.Counts()
    private(set) var latencyRatio = RunningMoments()
    private(set) var lengthRatio = RunningMoments()
    /// A ring once it is full.
    private var recent: [ShadowComparison] = []
    private var next = 0

    /// Creates a state that has seen nothing.
    ///
    /// - Parameters:
    ///   - budget: Copies a minute; `nil` for any number.
    ///   - concurrency: Copies at a time.
    init(budget: Int?, concurrency: Int) {
        self.budget = budget
        self.concurrency = concurrency
    }

    /// Decides about a copy. One that is sent must be ended by ``end(_:)`` or ``drop()``.
    mutating func admit(now: Instant) -> Admission {
        if let budget = self.budget {
            if self.minute.map({ now.duration(since: $0) >= .seconds(60) }) ?? true {
                self.minute = now
                self.sentThisMinute = 0
            }
            guard self.sentThisMinute < budget else {
                self.counts.overBudget += 1
                return .overBudget
            }
        }
        guard self.running < self.concurrency else {
            self.counts.busy += 1
            return .busy
        }
        self.sentThisMinute += 1
        self.running += 1
        self.counts.sent += 1
        return .send
    }

    /// Takes note of two replies.
    mutating func end(_ comparison: ShadowComparison) {
        self.running -= 1
        self.counts.compared += 1
        let differences = comparison.differences
        if differences.isEmpty { self.counts.alike += 1 }
        for difference in differences { self.counts.differences[difference, default: 0] += 1 }
        self.latencyRatio.add(Self.ratio(comparison.shadow.latency, comparison.primary.latency))
        if let primary = comparison.primary.outline?.textLength, let shadow = comparison.shadow.outline?.textLength,
            primary > 0
        {
            self.lengthRatio.add(Double(shadow) / Double(primary))
        }
        if self.recent.count < Self.kept {
            self.recent.append(comparison)
        } else {
            self.recent[self.next] = comparison
            self.next = (self.next + 1) % Self.kept
        }
    }

    /// Takes note of a copy that nothing is learnt from: it, or what it is compared with, was cut short.
    mutating func drop() {
        self.running -= 1
        self.counts.dropped += 1
    }

    /// The comparisons that are kept, the oldest first.
    var comparisons: [ShadowComparison] { Array(self.recent[self.next...] + self.recent[..<self.next]) }

    private static func ratio(_ one: Duration, _ other: Duration) -> Double {
        let below = other.wholeNanoseconds
        return below > 0 ? Double(one.wholeNanoseconds) / Double(below) : .nan
    }
}
