import NeedletailCore

/// What a simulation showed.
public struct SimulationReport: Sendable {
    /// One provider's part.
    public struct ProviderRow: Sendable, Hashable {
        /// Calls.
        public var calls = 0
        /// Of these: with a whole answer.
        public var finished = 0
        /// Of these: left by the gateway or its client.
        public var abandoned = 0
        /// The others, by the error's code.
        public var failures: [String: Int] = [:]
        /// What it bills, in pico-dollars.
        public var cost: Int64 = 0
        /// How often its circuit breakers opened.
        public var breakerOpenings = 0

        /// Nothing yet.
        public init() {}
    }

    /// One slice of the time.
    public struct Slice: Sendable, Hashable {
        /// Requests that ended in it with an answer or an error.
        public var requests = 0
        /// Of these: without a whole answer.
        public var failures = 0
        /// How long the whole answers took.
        public var latency = LatencyHistogram()
        /// Calls that began in it, by provider.
        public var calls: [String: Int] = [:]
    }

    /// Errors of one kind.
    public struct ErrorRow: Sendable, Hashable {
        /// Requests that ended so.
        public var count = 0
        /// Of these: without a call to any provider.
        public var withoutCall = 0
        /// Of these: after the answer had begun.
        public var afterCommit = 0
    }

    /// How long clients asked.
    public var duration: Duration
    /// The seed.
    public var seed: UInt64
    /// What happened, as one number.
    public var trace = SimulationTrace()
    /// Requests.
    public var requests = 0
    /// Of these: with a whole answer.
    public var finished = 0
    /// Of these: whose client left.
    public var abandoned = 0
    /// The others, by the error's code.
    public var errors: [String: ErrorRow] = [:]
    /// Requests by the number of calls that they took; the last place is for that many and more.
    public var attempts = Array(repeating: 0, count: 8)
    /// How long whole answers took.
    public var latency = LatencyHistogram()
    /// How long it took until answers began.
    public var firstByte = LatencyHistogram()
    /// By provider.
    public var providers: [String: ProviderRow] = [:]
    /// The time in equal slices; what ends after the last counts there.
    public var slices: [Slice]

    /// Creates a report of nothing.
    public init(duration: Duration, seed: UInt64, slices: Int = 60) {
        self.duration = duration
        self.seed = seed
        self.slices = Array(repeating: Slice(), count: max(1, slices))
    }

    /// The requests that did not get a whole answer and whose client did not leave.
    public var failed: Int { self.errors.values.reduce(0) { $0 + $1.count } }

    /// The share of requests with a whole answer among those whose client waited; 1 without any.
    public var availability: Double {
        let waited = self.finished + self.failed
        return waited == 0 ? 1 : Double(self.finished) / Double(waited)
    }

    /// All calls.
    public var calls: Int { self.providers.values.reduce(0) { $0 + $1.calls } }

    /// Calls for each request.
    public var attemptsPerRequest: Double {
        self.requests == 0 ? 0 : Double(self.calls) / Double(self.requests)
    }

    /// What all providers bill, in pico-dollars.
    public var cost: Int64 { self.providers.values.reduce(0) { $0 + $1.cost } }
}
