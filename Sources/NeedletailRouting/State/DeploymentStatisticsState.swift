public import NeedletailCore

/// Everything that the calls to a deployment have told, but for how many run. Pure.
public struct DeploymentStatisticsState: Sendable, Hashable {
    /// The latency that load is weighed with.
    public private(set) var peak = PeakEWMA()
    /// The last latencies until a reply was committed.
    public private(set) var latencies = LatencyWindow()
    /// The last times to first token, of streamed replies alone.
    public private(set) var firstTokens = LatencyWindow()
    /// How well it does.
    public private(set) var health = HealthState()
    /// Calls that succeeded.
    public private(set) var successes = 0
    /// Calls that failed by the target's fault.
    public private(set) var failures = 0
    /// Calls that say nothing about the target.
    public private(set) var neutrals = 0
    /// Input tokens that were told.
    public private(set) var inputTokens = 0
    /// Output tokens that were told.
    public private(set) var outputTokens = 0

    /// Creates a state of which nothing is known.
    public init() {}

    /// A reply was committed.
    public mutating func commit(latency: Duration, isStreamed: Bool, now: Instant) {
        self.peak.observe(latency, now: now)
        self.latencies.insert(latency)
        if isStreamed { self.firstTokens.insert(latency) }
        self.health.observe(latency: latency, now: now)
    }

    /// A call ended.
    ///
    /// - Parameter isCommitted: Whether ``commit(latency:isStreamed:now:)`` has been told of it.
    public mutating func end(_ result: AttemptResult, isCommitted: Bool, now: Instant) {
        self.health.observe(result.verdict, now: now)
        switch result.verdict {
        case .success: self.successes += 1
        case .neutral: self.neutrals += 1
        case .failure:
            self.failures += 1
            guard !isCommitted else { break }
            // A failure never makes a target look fast: who refuses at once would else draw all traffic.
            let latency = self.peak.cost == 0 ? max(result.latency, PeakEWMA.penalty) : result.latency
            if Double(latency.wholeNanoseconds) > self.peak.value(now: now) { self.peak.observe(latency, now: now) }
        }
        guard let usage = result.usage else { return }
        self.inputTokens = Self.sum(self.inputTokens, usage.inputTokens)
        self.outputTokens = Self.sum(self.outputTokens, usage.outputTokens)
    }

    /// A provider's nonsense must not stop the gateway: counts saturate.
    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(max(0, right))
        return overflow ? .max : sum
    }
}
