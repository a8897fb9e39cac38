import NeedletailCore

/// What has been counted of requests or calls: of all time, or between two looks.
struct SignalCounts: Sendable, Equatable {
    var calls = 0
    var failures = 0
    var latency = LatencyCounts()
    var firstToken = LatencyCounts()

    /// What came after an earlier look.
    func since(_ earlier: Self) -> Self {
        Self(
            calls: self.calls - earlier.calls, failures: self.failures - earlier.failures,
            latency: self.latency.since(earlier.latency), firstToken: self.firstToken.since(earlier.firstToken))
    }

    /// The value of a metric; `nil` where fewer than `minimum` say something.
    func value(_ metric: AlertMetric, minimum: Int) -> Double? {
        switch metric {
        case .errorRate: self.calls >= max(1, minimum) ? Double(self.failures) / Double(self.calls) : nil
        case .latencyP50: Self.seconds(self.latency, 0.5, minimum)
        case .latencyP95: Self.seconds(self.latency, 0.95, minimum)
        case .latencyP99: Self.seconds(self.latency, 0.99, minimum)
        case .firstTokenP50: Self.seconds(self.firstToken, 0.5, minimum)
        case .firstTokenP95: Self.seconds(self.firstToken, 0.95, minimum)
        case .firstTokenP99: Self.seconds(self.firstToken, 0.99, minimum)
        case .breakerOpen, .budgetUsed, .keyAge, .health, .burnRate: nil
        }
    }

    private static func seconds(_ counts: LatencyCounts, _ share: Double, _ minimum: Int) -> Double? {
        guard Int(counts.total) >= minimum else { return nil }
        return counts.percentile(share).map { $0 / 1_000 }
    }
}
