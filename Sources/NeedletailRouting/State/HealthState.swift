public import NeedletailCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How well a deployment does, judged by the traffic it gets. Pure.
///
/// The score is `1 - f · (1 - s · l)`, from 0 to 1, where
/// - `s`, success, is 1 less the error rate, a moving average over calls in which each new one weighs a tenth; calls that
///   blame nobody do not count;
/// - `l`, latency, is 1 as long as the latency of late is at most twice the deployment's own baseline, and twice the
///   baseline over the latency of late beyond that. Late is a moving average in which each reply weighs a fifth, the
///   baseline one in which it weighs a hundredth (both plain means until they have as many replies);
/// - `f`, recency, halves every 30 s without a call that counts, and what it takes off stays off. A deployment that gets
///   no traffic because it did badly so is given another chance.
public struct HealthState: Sendable, Hashable {
    /// How much a call weighs in the error rate.
    static let errorWeight = 0.1
    /// How much a reply weighs in the latency of late.
    static let lateWeight = 0.2
    /// How much a reply weighs in the baseline.
    static let baselineWeight = 0.01
    /// How much slower than the baseline is still well.
    static let tolerance = 2.0
    /// The time in which what is known loses half of its force.
    public static let halfLife = Duration.seconds(30)
    private static let halfLifeNanoseconds = Double(Self.halfLife.wholeNanoseconds)

    /// The share of calls that failed, 0 to 1.
    public private(set) var errorRate = 0.0
    /// Nanoseconds; the latency of late.
    public private(set) var lateLatency = 0.0
    /// Nanoseconds; the deployment's usual latency.
    public private(set) var baseline = 0.0
    private var replies = 0
    /// When a call last counted.
    public private(set) var lastEvidence = Instant(nanoseconds: 0)
    /// When a call last succeeded; `nil` for never.
    public private(set) var lastSuccess: Instant?

    /// Creates a state of which nothing is known: the score is 1.
    public init() {}

    /// Takes in how long a committed reply took.
    public mutating func observe(latency: Duration, now: Instant) {
        self.fade(now)
        let sample = Double(max(0, latency.wholeNanoseconds))
        self.replies = min(self.replies + 1, 1_000_000)
        let mean = 1 / Double(self.replies)
        self.lateLatency += max(Self.lateWeight, mean) * (sample - self.lateLatency)
        self.baseline += max(Self.baselineWeight, mean) * (sample - self.baseline)
    }

    /// Takes in how a call ended; one that is neutral changes nothing.
    public mutating func observe(_ verdict: AttemptResult.Verdict, now: Instant) {
        switch verdict {
        case .neutral: return
        case .success:
            self.fade(now)
            self.errorRate *= 1 - Self.errorWeight
            self.lastSuccess = now
        case .failure:
            self.fade(now)
            self.errorRate += Self.errorWeight * (1 - self.errorRate)
        }
    }

    /// Forgets what silence has made old, before something new is added: else one good call after a long time would
    /// make an old failure look new.
    private mutating func fade(_ now: Instant) {
        let recency = Self.recency(of: self.lastEvidence, now: now)
        self.errorRate *= recency
        self.lateLatency = self.baseline + (self.lateLatency - self.baseline) * recency
        self.lastEvidence = max(now, self.lastEvidence)
    }

    /// What the score would be were the last call just now: `s · l`.
    public var current: Double {
        let slowness = self.lateLatency > 0 ? min(1, Self.tolerance * self.baseline / self.lateLatency) : 1
        return (1 - self.errorRate) * slowness
    }

    /// The score, 0 to 1.
    public func score(now: Instant) -> Double {
        Self.score(current: self.current, lastEvidence: self.lastEvidence, now: now)
    }

    /// The score from its two published parts.
    static func score(current: Double, lastEvidence: Instant, now: Instant) -> Double {
        current < 1 ? 1 - Self.recency(of: lastEvidence, now: now) * (1 - current) : 1
    }

    /// How much of what was known at `lastEvidence` still counts: 1 at once, halved with every ``halfLife``.
    static func recency(of lastEvidence: Instant, now: Instant) -> Double {
        guard now > lastEvidence else { return 1 }
        let age = now.nanoseconds.subtractingReportingOverflow(lastEvidence.nanoseconds)
        return age.overflow ? 0 : exp2(-Double(age.partialValue) / Self.halfLifeNanoseconds)
    }
}
