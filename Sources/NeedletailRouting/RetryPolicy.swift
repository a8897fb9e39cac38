/// How often and how soon one target is asked again for one request.
public struct RetryPolicy: Sendable, Hashable {
    /// The calls of one request to the target, the first included; at least 1. Default 3.
    public var maximumAttempts: Int
    /// How long to wait before asking again.
    public var backoff: Backoff

    /// Creates a policy.
    public init(maximumAttempts: Int = 3, backoff: Backoff = Backoff()) {
        self.maximumAttempts = max(1, maximumAttempts)
        self.backoff = backoff
    }
}

/// Exponential backoff with full jitter, as in gRPC's proposal A6.
public struct Backoff: Sendable, Hashable {
    /// The longest wait before the first repetition. Default 1 s.
    public var base: Duration
    /// What the wait grows by from one repetition to the next. Default 2.
    public var factor: Double
    /// The longest wait of all, and the longest `retry-after` that is waited for. Default 30 s.
    public var maximum: Duration
    /// Whether the wait is drawn from zero to its length, so that clients do not come back together. Default true.
    public var hasJitter: Bool

    /// Creates a backoff.
    public init(
        base: Duration = .seconds(1),
        factor: Double = 2,
        maximum: Duration = .seconds(30),
        hasJitter: Bool = true
    ) {
        self.base = base
        self.factor = factor
        self.maximum = maximum
        self.hasJitter = hasJitter
    }

    /// The wait before repetition number `repetition`, counted from 1.
    ///
    /// - Parameter unit: A random number from 0 up to 1.
    public func delay(beforeRepetition repetition: Int, unit: Double) -> Duration {
        var ceiling = min(self.base, self.maximum)
        // The wait stops growing at the maximum, so more steps than it takes to get there change nothing.
        for _ in 1..<max(1, min(repetition, 64)) { ceiling = min(self.maximum, ceiling * self.factor) }
        return self.hasJitter ? ceiling * unit : ceiling
    }
}
