import NeedletailCore

/// How much of a configured rate is used, learnt from a provider's refusals: additive increase, multiplicative decrease
/// (Chiu and Jain 1989, as in TCP). Pure. Never above what is configured.
struct AdaptiveLimitState: Sendable, Hashable {
    /// Millionths of the configured rate.
    static let whole: Int64 = 1_000_000
    /// What a refusal leaves, in millionths.
    static let decrease: Int64 = 500_000
    /// What a second without a refusal adds.
    static let increasePerSecond: Int64 = 10_000
    /// The least that is left: a rate of zero could learn nothing.
    static let least: Int64 = 10_000
    /// Refusals within this time are one: they answer what was sent before the first was known.
    static let reaction = Duration.seconds(1)

    private var share = Self.whole
    private var changed: Instant
    private var decreased = Instant(nanoseconds: .min)

    init(now: Instant) {
        self.changed = now
    }

    /// The share that may be used now, in millionths.
    func share(now: Instant) -> Int64 {
        guard now > self.changed, self.share < Self.whole else { return self.share }
        let elapsed = now.duration(since: self.changed).wholeNanoseconds
        // From here on it is whole, whatever it was.
        guard elapsed < 100_000_000_000 else { return Self.whole }
        return min(Self.whole, self.share + elapsed * Self.increasePerSecond / 1_000_000_000)
    }

    /// The provider refused a request for its rate.
    mutating func refused(now: Instant) {
        if self.decreased.nanoseconds != .min, now.duration(since: self.decreased) < Self.reaction { return }
        self.share = max(Self.least, self.share(now: now) * Self.decrease / Self.whole)
        self.changed = now
        self.decreased = now
    }

    /// What a configured number comes to; at least 1.
    func scaled(_ configured: Int, now: Instant) -> Int {
        let share = self.share(now: now)
        guard share < Self.whole else { return configured }
        return max(1, Int(Int128(configured) * Int128(share) / Int128(Self.whole)))
    }
}
