import NeedletailCore

/// A token bucket in exact integers: no rounding is ever lost or gained, however often it is looked at. Pure.
///
/// Within any time it admits at most its capacity plus rate × time. What was taken by an estimate may be settled later,
/// which may leave it in debt: then nothing is admitted until the debt is paid.
struct TokenBucketState: Sendable, Hashable {
    /// Tokens per period.
    private(set) var rate: Int
    /// The most tokens that it holds.
    private(set) var capacity: Int
    private let period: Int64
    private var tokens: Int
    /// Of the next token, in parts of a period: always below the period.
    private var carry: Int64 = 0
    private var updated: Instant

    /// Creates a full bucket.
    ///
    /// - Parameters:
    ///   - rate: Tokens per period, from 1.
    ///   - period: The period.
    ///   - capacity: The most tokens that may be taken at once, from 1.
    init(rate: Int, per period: Duration, capacity: Int, now: Instant) {
        self.rate = max(1, rate)
        self.capacity = max(1, capacity)
        self.period = max(1, period.wholeNanoseconds)
        self.tokens = self.capacity
        self.updated = now
    }

    /// What was in it when it last changed: never more than what is in it later.
    var stored: Int { self.tokens }

    /// What is in it; negative while it is in debt.
    func level(now: Instant) -> Int {
        self.refilled(now).tokens
    }

    /// How long until `count` tokens are in it; zero when they are, `nil` when they never will be.
    func wait(for count: Int, now: Instant) -> Duration? {
        guard count <= self.capacity else { return nil }
        // What has been there is there: most often nobody need work out what came in since.
        guard self.tokens < count else { return .zero }
        let (tokens, carry) = self.refilled(now)
        guard tokens < count else { return .zero }
        let (missing, isFar) = count.subtractingReportingOverflow(tokens)
        let (product, overflow) = missing.multipliedReportingOverflow(by: Int(self.period))
        if !isFar, !overflow, product < Int.max - self.rate {
            return .nanoseconds(Int64((product - Int(carry) + self.rate - 1) / self.rate))
        }
        let parts = (Int128(count) - Int128(tokens)) * Int128(self.period) - Int128(carry)
        // Rounded up: at that time they are there.
        let nanoseconds = (parts + Int128(self.rate) - 1) / Int128(self.rate)
        return .nanoseconds(Int64(clamping: nanoseconds))
    }

    /// How long until it is full.
    func untilFull(now: Instant) -> Duration {
        self.wait(for: self.capacity, now: now) ?? .zero
    }

    /// Takes tokens if they are there; else nothing.
    mutating func take(_ count: Int, now: Instant) -> Bool {
        self.refill(now)
        guard count <= self.tokens else { return false }
        self.tokens -= max(0, count)
        return true
    }

    /// Changes what was taken before by what it turned out to be: gives back what was too much, takes what was too
    /// little, whatever is there.
    mutating func settle(taken: Int, used: Int, now: Instant) {
        self.refill(now)
        let (difference, overflow) = taken.subtractingReportingOverflow(max(0, used))
        let (sum, overflowed) = self.tokens.addingReportingOverflow(overflow ? Int.min / 2 : difference)
        self.tokens = overflowed ? Int.min / 2 : max(Int.min / 2, min(self.capacity, sum))
        if self.tokens == self.capacity { self.carry = 0 }
    }

    /// Goes on at another rate and capacity; what is in it stays, up to the new capacity.
    mutating func change(rate: Int, capacity: Int, now: Instant) {
        self.refill(now)
        self.rate = max(1, rate)
        self.capacity = max(1, capacity)
        if self.tokens >= self.capacity {
            self.tokens = self.capacity
            self.carry = 0
        }
    }

    private mutating func refill(_ now: Instant) {
        guard now > self.updated else { return }
        (self.tokens, self.carry) = self.refilled(now)
        self.updated = now
    }

    private func refilled(_ now: Instant) -> (tokens: Int, carry: Int64) {
        guard now > self.updated else { return (self.tokens, self.carry) }
        guard self.tokens < self.capacity else { return (self.tokens, 0) }
        let (elapsed, isLong) = now.nanoseconds.subtractingReportingOverflow(self.updated.nanoseconds)
        // In 64 bits where they are enough: 128 take ten times as long to divide.
        let (product, overflow) = elapsed.multipliedReportingOverflow(by: Int64(self.rate))
        let (sum, isMore) = product.addingReportingOverflow(self.carry)
        if !isLong, !overflow, !isMore {
            let (whole, rest) = sum.quotientAndRemainder(dividingBy: self.period)
            let (tokens, isFull) = self.tokens.addingReportingOverflow(Int(whole))
            return isFull || tokens >= self.capacity ? (self.capacity, 0) : (tokens, rest)
        }
        return self.refilledLong(now)
    }

    /// What is in it after a time, or at a rate, beyond 64 bits.
    private func refilledLong(_ now: Instant) -> (tokens: Int, carry: Int64) {
        let elapsed = now.duration(since: self.updated).wholeNanoseconds
        let gained = Int128(elapsed) * Int128(self.rate) + Int128(self.carry)
        let (whole, rest) = gained.quotientAndRemainder(dividingBy: Int128(self.period))
        let tokens = Int128(self.tokens) + whole
        guard tokens < Int128(self.capacity) else { return (self.capacity, 0) }
        return (Int(tokens), Int64(rest))
    }
}
