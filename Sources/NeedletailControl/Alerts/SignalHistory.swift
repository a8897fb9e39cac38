import NeedletailCore

/// Looks at a cell from time to time, so that what was counted within a window can be told. Pure.
struct SignalHistory: Sendable {
    /// A window is told in steps of a tenth of it.
    private static let parts = 10

    private let part: Duration
    private var looks: [(at: Instant, counts: SignalCounts)]

    /// - Parameters:
    ///   - counts: What had been counted before it began to look.
    ///   - now: When it begins.
    init(window: Duration, after counts: SignalCounts = SignalCounts(), now: Instant) {
        self.part = max(.seconds(1), window / Self.parts)
        self.looks = [(now, counts)]
    }

    /// What was counted within the window that ends now; since it began to look while that is younger.
    mutating func window(endingWith counts: SignalCounts, now: Instant) -> SignalCounts {
        let start = now.advanced(by: self.part * -Self.parts)
        // The newest look that is old enough is where the window begins; those before it are of no use.
        while self.looks.count > 1, self.looks[1].at <= start { self.looks.removeFirst() }
        let base = self.looks.first?.counts ?? counts
        if self.looks.last.map({ now.duration(since: $0.at) >= self.part }) ?? true { self.looks.append((now, counts)) }
        return counts.since(base)
    }
}
