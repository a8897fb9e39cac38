/// What an experiment has shown: a value for the admin API.
public struct ExperimentSnapshot: Sendable, Hashable {
    /// A number that varies: how often it was seen, its mean and variance, and where the mean lies.
    public struct Measure: Sendable, Hashable {
        /// How many samples.
        public var count: Int
        /// Their mean.
        public var mean: Double
        /// Their variance; `nil` for fewer than two.
        public var variance: Double?
        /// 95 % for the mean; `nil` for fewer than two.
        public var interval: ConfidenceInterval?

        init(_ series: RunningMoments) {
            self.count = series.count
            self.mean = series.mean
            self.variance = series.variance
            self.interval = .mean(of: series)
        }
    }

    /// One arm.
    public struct Arm: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// Where it leads.
        public var destination: String
        /// Its share of the draws, 0 to 1.
        public var share: Double
        /// Requests, those under way included.
        public var requests: Int
        /// Replies that reached their end.
        public var succeeded: Int
        /// Replies that failed.
        public var failed: Int
        /// Requests that say nothing: wrong ones, and those whose client left.
        public var neutral: Int
        /// Succeeded of succeeded and failed; `nil` before the first.
        public var successRate: Double?
        /// 95 % for ``successRate`` (Wilson).
        public var successInterval: ConfidenceInterval?
        /// Seconds from request to the reply's end, of those that succeeded.
        public var latency: Measure
        /// Seconds to a stream's first event.
        public var firstToken: Measure
        /// Input tokens a request.
        public var inputTokens: Measure
        /// Output tokens a request.
        public var outputTokens: Measure
        /// Dollars a request, of those whose price is known.
        public var cost: Measure
        /// Requests with tokens whose price is not known.
        public var unpriced: Int
    }

    /// An arm against the first: this arm's value less the first's, with 95 % intervals. `nil` where too little is known.
    public struct Comparison: Sendable, Hashable {
        /// The arm.
        public var arm: String
        /// The first arm.
        public var baseline: String
        /// Of the success rates (Newcombe).
        public var successRate: ConfidenceInterval?
        /// Of the mean latencies, in seconds (Welch).
        public var latency: ConfidenceInterval?
        /// Of the mean times to the first event, in seconds (Welch).
        public var firstToken: ConfidenceInterval?
        /// Of the mean output tokens (Welch).
        public var outputTokens: ConfidenceInterval?
        /// Of the mean costs, in dollars (Welch).
        public var cost: ConfidenceInterval?
    }

    /// The experiment's name.
    public var name: String
    /// The arms, in order.
    public var arms: [Arm]
    /// Every arm but the first against the first.
    public var comparisons: [Comparison]
}

extension Experiment {
    /// What it has shown so far.
    public func snapshot() -> ExperimentSnapshot {
        let states = self.arms.map(\.snapshot)
        let sum = self.arms.reduce(0) { $0 + $1.weight }
        let arms = zip(self.arms, states).map { arm, state in
            let trials = state.succeeded + state.failed
            return ExperimentSnapshot.Arm(
                name: arm.name, destination: arm.destination.description,
                share: sum > 0 ? arm.weight / sum : 1 / Double(self.arms.count),
                requests: state.requests, succeeded: state.succeeded, failed: state.failed, neutral: state.neutral,
                successRate: trials > 0 ? Double(state.succeeded) / Double(trials) : nil,
                successInterval: .proportion(state.succeeded, of: trials),
                latency: .init(state.latency), firstToken: .init(state.firstToken),
                inputTokens: .init(state.inputTokens), outputTokens: .init(state.outputTokens),
                cost: .init(state.cost), unpriced: state.unpriced)
        }
        let comparisons = zip(self.arms, states).dropFirst().map { arm, state in
            let first = states[0]
            return ExperimentSnapshot.Comparison(
                arm: arm.name, baseline: self.arms[0].name,
                successRate: .difference(
                    ofProportions: (state.succeeded, state.succeeded + state.failed),
                    (first.succeeded, first.succeeded + first.failed)),
                latency: .difference(ofMeans: state.latency, first.latency),
                firstToken: .difference(ofMeans: state.firstToken, first.firstToken),
                outputTokens: .difference(ofMeans: state.outputTokens, first.outputTokens),
                cost: .difference(ofMeans: state.cost, first.cost))
        }
        return ExperimentSnapshot(name: self.name, arms: arms, comparisons: Array(comparisons))
    }
}
