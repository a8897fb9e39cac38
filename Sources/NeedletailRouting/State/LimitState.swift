import NeedletailCore

/// The limits of one scope and what is used of them. Pure. Takes from all of its buckets or from none.
struct LimitState: Sendable {
    private(set) var policy: LimitPolicy
    private var minute: TokenBucketState?
    private var hour: TokenBucketState?
    private var tokens: TokenBucketState?
    private var adaptive: AdaptiveLimitState?
    /// What the provider says that its rates are, where it is less than configured or nothing is.
    private var told = ObservedLimits()
    private var restsUntil = Instant(nanoseconds: .min)
    /// Requests that run.
    private(set) var running = 0

    init(_ policy: LimitPolicy, now: Instant) {
        self.policy = policy
        self.adaptive = policy.isAdaptive ? AdaptiveLimitState(now: now) : nil
        self.build(now)
    }

    /// Takes another policy over, for a configuration that has changed: what is used stays used.
    mutating func adopt(_ policy: LimitPolicy, now: Instant) {
        guard policy != self.policy else { return }
        self.policy = policy
        if policy.isAdaptive != (self.adaptive != nil) {
            self.adaptive = policy.isAdaptive ? AdaptiveLimitState(now: now) : nil
            self.told = ObservedLimits()
        }
        self.build(now)
    }

    private mutating func build(_ now: Instant) {
        let requests = Self.least(self.policy.requestsPerMinute, self.told.requestsPerMinute)
        let burst = self.policy.burst
        Self.set(&self.minute, requests, burst, per: .seconds(60), now)
        Self.set(&self.hour, self.policy.requestsPerHour, requests == nil ? burst : nil, per: .seconds(3600), now)
        Self.set(
            &self.tokens, Self.least(self.policy.tokensPerMinute, self.told.tokensPerMinute), nil, per: .seconds(60),
            now)
    }

    private static func set(
        _ bucket: inout TokenBucketState?, _ rate: Int?, _ burst: Int?, per period: Duration, _ now: Instant
    ) {
        guard let rate else {
            bucket = nil
            return
        }
        let capacity = burst ?? rate
        if bucket != nil {
            bucket?.change(rate: rate, capacity: capacity, now: now)
        } else {
            bucket = TokenBucketState(rate: rate, per: period, capacity: capacity, now: now)
        }
    }

    private static func least(_ left: Int?, _ right: Int?) -> Int? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }

    // MARK: Requests

    /// What a request is taken to need of tokens here: its input, and its output as far as a full bucket would hold it.
    func estimate(input: Int, output: Int?) -> Int {
        guard let capacity = self.tokens?.capacity else { return 0 }
        // Most replies are far shorter than what models may write; a tenth of the minute is a start, settled at the end.
        let output = output ?? min(Self.assumedOutput, capacity / 10)
        return min(max(input, capacity), max(0, input).addingReportingOverflow(max(0, output)).partialValue)
    }

    /// The output that a request is taken to have that names no limit.
    static let assumedOutput = 1_024

    /// Why a request may not begin; changes nothing.
    func refusal(tokens count: Int, now: Instant) -> (reason: Refusal.Reason, until: Instant?)? {
        if now < self.restsUntil { return (.resting, self.restsUntil) }
        var found: (reason: Refusal.Reason, until: Instant?)?
        // Of several that are used up, the one that is there last decides when to come again.
        func consider(_ bucket: TokenBucketState?, _ count: Int, _ reason: Refusal.Reason) {
            guard let bucket, count > 0 else { return }
            guard let wait = bucket.wait(for: count, now: now) else {
                found = (.tooManyTokens, nil)
                return
            }
            guard wait > .zero, found?.reason != .tooManyTokens else { return }
            let until = now.advanced(by: wait)
            if let known = found?.until, known >= until { return }
            found = (reason, until)
        }
        consider(self.minute, 1, .requestsPerMinute)
        consider(self.hour, 1, .requestsPerHour)
        consider(self.tokens, count, .tokensPerMinute)
        if let found { return found }
        if let limit = self.policy.concurrency, self.running >= limit { return (.concurrency, nil) }
        return nil
    }

    /// So many tokens ``refusal(tokens:now:)`` refuses nobody for, now or later, as long as nothing is changed; below zero
    /// where that is not known.
    var sureTokens: Int {
        guard self.restsUntil.nanoseconds == .min, self.minute?.stored ?? 1 > 0, self.hour?.stored ?? 1 > 0 else {
            return -1
        }
        if let limit = self.policy.concurrency, self.running >= limit { return -1 }
        return self.tokens?.stored ?? .max
    }

    /// Begins a request: takes everything that it needs, or nothing.
    ///
    /// - Returns: Why it may not begin; `nil` when it has.
    mutating func reserve(tokens count: Int, now: Instant) -> (reason: Refusal.Reason, until: Instant?)? {
        self.adapt(now)
        if now >= self.restsUntil { self.wake() }
        if let refusal = self.refusal(tokens: count, now: now) { return refusal }
        _ = self.minute?.take(1, now: now)
        _ = self.hour?.take(1, now: now)
        if count > 0 { _ = self.tokens?.take(count, now: now) }
        self.running += 1
        return nil
    }

    /// Makes a reservation undone, as if it had never been: another scope refused.
    mutating func undo(tokens count: Int, now: Instant) {
        self.minute?.settle(taken: 1, used: 0, now: now)
        self.hour?.settle(taken: 1, used: 0, now: now)
        self.tokens?.settle(taken: count, used: 0, now: now)
        self.running -= 1
    }

    /// Ends a request.
    ///
    /// - Parameter used: The tokens that it took; `nil` where nobody knows, and the estimate stands.
    mutating func end(tokens count: Int, used: Int?, now: Instant) {
        self.running -= 1
        if let used { self.tokens?.settle(taken: count, used: used, now: now) }
    }

    // MARK: What the provider says

    /// The provider refused a request for its rate.
    mutating func refused(now: Instant) {
        self.adaptive?.refused(now: now)
    }

    /// Nothing is sent before `until`; an earlier time changes nothing.
    mutating func rest(until: Instant) {
        self.restsUntil = max(self.restsUntil, until)
    }

    /// Forgets what the provider asked for.
    mutating func wake() {
        self.restsUntil = Instant(nanoseconds: .min)
    }

    /// Follows what the provider says of its own limits.
    mutating func observe(_ limits: ObservedLimits, now: Instant) {
        guard self.adaptive != nil else { return }
        if let until = limits.usedUpUntil { self.rest(until: until) }
        let before = self.told
        self.told.requestsPerMinute = limits.requestsPerMinute ?? self.told.requestsPerMinute
        self.told.tokensPerMinute = limits.tokensPerMinute ?? self.told.tokensPerMinute
        if self.told != before { self.build(now) }
    }

    private mutating func adapt(_ now: Instant) {
        guard let adaptive = self.adaptive else { return }
        func follow(_ bucket: inout TokenBucketState?, _ rate: Int?, _ burst: Int?) {
            guard let rate else { return }
            let scaled = adaptive.scaled(rate, now: now)
            guard bucket?.rate != scaled else { return }
            bucket?.change(rate: scaled, capacity: adaptive.scaled(burst ?? rate, now: now), now: now)
        }
        follow(
            &self.minute, Self.least(self.policy.requestsPerMinute, self.told.requestsPerMinute), self.policy.burst)
        follow(&self.tokens, Self.least(self.policy.tokensPerMinute, self.told.tokensPerMinute), nil)
    }

    // MARK: Looking at it

    /// The share that is left of what is scarcest, from 0 to 1; 1 where nothing is limited.
    func fraction(now: Instant) -> Double {
        guard now >= self.restsUntil else { return 0 }
        guard self.adaptive == nil else {
            var copy = self
            copy.adapt(now)
            copy.adaptive = nil
            return copy.fraction(now: now)
        }
        var least = 1.0
        func consider(_ bucket: TokenBucketState?) {
            guard let bucket else { return }
            least = min(least, Double(max(0, bucket.level(now: now))) / Double(bucket.capacity))
        }
        consider(self.minute)
        consider(self.hour)
        consider(self.tokens)
        if let limit = self.policy.concurrency {
            least = min(least, Double(max(0, limit - self.running)) / Double(limit))
        }
        return least
    }

    /// What a client is told is left; `nil` where neither requests nor tokens are limited.
    func report(now: Instant) -> LimitReport? {
        guard self.adaptive == nil else {
            var copy = self
            copy.adapt(now)
            copy.adaptive = nil
            return copy.report(now: now)
        }
        func level(_ bucket: TokenBucketState) -> LimitReport.Level {
            LimitReport.Level(
                limit: bucket.capacity, remaining: max(0, bucket.level(now: now)), reset: bucket.untilFull(now: now))
        }
        let requests = (self.minute ?? self.hour).map(level)
        let tokens = self.tokens.map(level)
        guard requests != nil || tokens != nil else { return nil }
        return LimitReport(requests: requests, tokens: tokens)
    }

    /// What it is like now.
    func headroom(now: Instant) -> LimitHeadroom {
        var copy = self
        copy.adapt(now)
        func level(_ bucket: TokenBucketState?) -> LimitHeadroom.Level? {
            bucket.map {
                LimitHeadroom.Level(
                    limit: $0.capacity, remaining: max(0, $0.level(now: now)), untilFull: $0.untilFull(now: now))
            }
        }
        return LimitHeadroom(
            requests: level(copy.minute) ?? level(copy.hour), requestsPerHour: level(copy.hour),
            tokens: level(copy.tokens), concurrency: self.policy.concurrency, running: self.running,
            restsUntil: now < self.restsUntil ? self.restsUntil : nil,
            share: self.adaptive.map { Double($0.share(now: now)) / Double(AdaptiveLimitState.whole) })
    }
}
