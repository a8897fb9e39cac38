import NeedletailCore

/// Which limit of an exchange runs, and since when. Pure: `now` is a parameter.
struct ExchangeClock {
    /// What is waited for.
    enum Phase {
        case connecting, sending, head, firstBody, body
        /// The consumer does not take what is there; only the deadline counts.
        case paused
    }

    private(set) var phase: Phase
    private var since: Instant
    private let timeouts: Timeouts
    private let start: Instant
    private let deadline: Instant?

    init(_ exchange: Exchange, phase: Phase, now: Instant) {
        self.phase = phase
        self.since = now
        self.timeouts = exchange.timeouts
        self.start = exchange.start
        self.deadline = exchange.deadline
    }

    /// Starts the wait for the next thing.
    mutating func enter(_ phase: Phase, now: Instant) {
        self.phase = phase
        self.since = now
    }

    /// The error of the limit that has passed by `now`, if one has.
    func expired(at now: Instant) -> NeedletailError? {
        if let deadline = self.deadline, now >= deadline {
            let allowed = Self.text(deadline.duration(since: self.start))
            return NeedletailError(
                .timedOut,
                "The request was not over within its deadline of \(allowed).",
                mayHaveBeenProcessed: self.phase != .connecting
            )
        }
        let (limit, what): (Duration?, String) =
            switch self.phase {
            case .connecting: (self.timeouts.connect, "The connection to the provider was not made")
            case .sending: (self.timeouts.firstToken, "The provider did not take the request")
            case .head: (self.timeouts.firstToken, "The provider did not begin to answer")
            case .firstBody: (self.timeouts.firstToken, "The provider sent no first byte of its answer")
            case .body: (self.timeouts.idle, "The provider sent nothing more")
            case .paused: (nil, "")
            }
        guard let limit, now >= self.since.advanced(by: limit) else { return nil }
        return NeedletailError(
            .timedOut,
            "\(what) within \(Self.text(limit)).",
            mayHaveBeenProcessed: self.phase != .connecting
        )
    }

    /// A duration in seconds, with as many decimals as milliseconds need.
    static func text(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.wholeNanoseconds / 1_000_000)
        let rest = milliseconds % 1_000
        guard rest > 0 else { return "\(milliseconds / 1_000) s" }
        let digits = "\(1_000 + rest)".dropFirst()
        return "\(milliseconds / 1_000).\(digits) s"
    }
}
