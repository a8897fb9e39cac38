public import NeedletailCore

/// How a modelled provider answers.
public struct ProviderBehaviour: Sendable, Hashable {
    /// What may go wrong with a call.
    public struct Fault: Sendable, Hashable {
        /// How.
        public enum Kind: Sendable, Hashable {
            /// The call fails with this code before it is committed.
            case failure(NeedletailError.Code)
            /// Nothing ever comes.
            case hang
            /// The stream breaks after some chunks; a whole reply breaks before it is committed.
            case breaks
            /// The stream stands still after some chunks; a whole reply never comes.
            case stalls
        }

        /// How.
        public var kind: Kind
        /// How often, 0 to 1.
        public var rate: Double

        /// Creates a fault.
        public init(_ kind: Kind, rate: Double) {
            self.kind = kind
            self.rate = rate
        }
    }

    /// What a provider allows: a bucket of a minute's worth, refilled steadily.
    public struct RateLimit: Sendable, Hashable {
        /// Requests a minute.
        public var requestsPerMinute: Int
        /// How many may come at once; a minute's worth if `nil`.
        public var burst: Int?
        /// Whether its 429 says when to come again.
        public var tellsWhen: Bool

        /// Creates a limit.
        public init(requestsPerMinute: Int, burst: Int? = nil, tellsWhen: Bool = true) {
            self.requestsPerMinute = max(1, requestsPerMinute)
            self.burst = burst
            self.tellsWhen = tellsWhen
        }
    }

    /// The time to the first token. Default: half within 600 ms, 99 of 100 within 2.5 s.
    public var latency = LatencyDistribution.lognormal(median: .milliseconds(600), p99: .milliseconds(2_500))
    /// How fast the rest comes. Default 80.
    public var tokensPerSecond = 80.0
    /// The time to a failure. Default 50 ms.
    public var failureLatency = LatencyDistribution.constant(.milliseconds(50))
    /// What goes wrong; the rates add up to 1 at most, the rest goes well.
    public var faults: [Fault] = []
    /// What it allows; `nil` for everything.
    public var rateLimit: RateLimit?
    /// The calls that it works on at once; more are told that it is overloaded. `nil` for any number.
    public var concurrency: Int?

    /// Creates the behaviour of a provider that always answers.
    public init() {}

    /// What goes wrong with a call.
    ///
    /// - Parameter unit: A random number from 0 up to and without 1.
    func fault(_ unit: Double) -> Fault.Kind? {
        var rest = unit
        for fault in self.faults {
            if rest < fault.rate { return fault.kind }
            rest -= fault.rate
        }
        return nil
    }
}

/// A provider as a simulation sees it.
public struct ProviderModel: Sendable {
    /// Another behaviour for some time.
    public struct Phase: Sendable, Hashable {
        /// From when on, counted from the simulation's start.
        public var from: Duration
        /// Until when.
        public var until: Duration
        /// What holds meanwhile.
        public var behaviour: ProviderBehaviour

        /// Creates a phase.
        public init(from: Duration, until: Duration, _ behaviour: ProviderBehaviour) {
            self.from = from
            self.until = until
            self.behaviour = behaviour
        }
    }

    /// What holds where no phase does.
    public var base: ProviderBehaviour
    /// What holds for some time; the last one that fits.
    public var phases: [Phase]
    /// Pico-dollars for a token of input.
    public var inputPrice: Int64
    /// Pico-dollars for a token of output.
    public var outputPrice: Int64
    /// How long the gateway waits for the first token. Default 60 s.
    public var firstTokenTimeout: Duration
    /// How long the gateway waits for the next token. Default 60 s.
    public var idleTimeout: Duration

    /// Creates a model.
    public init(
        _ base: ProviderBehaviour = ProviderBehaviour(),
        phases: [Phase] = [],
        inputPrice: Int64 = 0,
        outputPrice: Int64 = 0,
        firstTokenTimeout: Duration = .seconds(60),
        idleTimeout: Duration = .seconds(60)
    ) {
        self.base = base
        self.phases = phases
        self.inputPrice = inputPrice
        self.outputPrice = outputPrice
        self.firstTokenTimeout = firstTokenTimeout
        self.idleTimeout = idleTimeout
    }

    /// What holds at a time since the start.
    public func behaviour(at time: Duration) -> ProviderBehaviour {
        self.phases.last { $0.from <= time && time < $0.until }?.behaviour ?? self.base
    }
}
