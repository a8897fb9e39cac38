import NeedletailCore

/// What one arm of an experiment has shown. Pure, and of one size however many requests it counts.
struct ExperimentArmState: Sendable, Hashable {
    /// How a request ended.
    enum End: Sendable, Hashable {
        /// The client has its reply.
        case succeeded
        /// The reply failed, before or after it began.
        case failed
        /// Nothing is learnt from it: the request was wrong, or the client went away.
        case neutral
    }

    private(set) var requests = 0
    private(set) var succeeded = 0
    private(set) var failed = 0
    private(set) var neutral = 0
    private(set) var latency = RunningMoments()
    private(set) var firstToken = RunningMoments()
    private(set) var inputTokens = RunningMoments()
    private(set) var outputTokens = RunningMoments()
    private(set) var cost = RunningMoments()
    private(set) var unpriced = 0

    mutating func begin() {
        self.requests += 1
    }

    /// Takes note of an end.
    ///
    /// - Parameters:
    ///   - latency: From the request to the reply's end.
    ///   - firstToken: From the request to a stream's first event; `nil` for a whole reply.
    ///   - cost: `nil` if the price is not known.
    mutating func end(
        _ end: End,
        latency: Duration,
        firstToken: Duration?,
        usage: Usage?,
        cost: Money?
    ) {
        switch end {
        case .succeeded:
            self.succeeded += 1
            // What failed early is not quick, and what was left has no length.
            self.latency.add(Self.seconds(latency))
            if let firstToken { self.firstToken.add(Self.seconds(firstToken)) }
        case .failed: self.failed += 1
        case .neutral: self.neutral += 1
        }
        guard let usage else { return }
        self.inputTokens.add(Double(usage.inputTokens))
        self.outputTokens.add(Double(usage.outputTokens))
        if let cost { self.cost.add(Double(cost.picodollars) * 1e-12) } else { self.unpriced += 1 }
    }

    private static func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) * 1e-9 }
}
