import NeedletailCore

@testable import NeedletailRouting

/// What a deployment's limits may let through, worked out from its own calls: written apart from the buckets that it
/// judges.
struct LimitOracle {
    private let policy: LimitPolicy
    private var requests: (level: Double, at: Instant)
    private var tokens: (level: Double, at: Instant)
    private var running = 0

    init(_ policy: LimitPolicy) {
        self.policy = policy
        self.requests = (Double(policy.burst ?? policy.requestsPerMinute ?? 0), Instant(nanoseconds: 0))
        self.tokens = (Double(policy.tokensPerMinute ?? 0), Instant(nanoseconds: 0))
    }

    /// Whether there is room for a request beyond doubt.
    mutating func hasRoom(now: Instant) -> Bool {
        guard self.policy.tokensPerMinute == nil, self.policy.concurrency == nil else { return false }
        guard let rate = self.policy.requestsPerMinute else { return true }
        self.refill(rate, now)
        return self.requests.level >= 1.001
    }

    /// A call begins.
    ///
    /// - Returns: Why it should not have.
    mutating func begin(tokens count: Int, now: Instant) -> String? {
        self.running += 1
        if let most = self.policy.concurrency, self.running > most { return "more calls at a time than allowed" }
        if let rate = self.policy.requestsPerMinute {
            self.refill(rate, now)
            self.requests.level -= 1
            if self.requests.level < -0.001 { return "more requests than burst and rate allow" }
        }
        if let rate = self.policy.tokensPerMinute {
            let passed = now.duration(since: self.tokens.at) / .seconds(60)
            self.tokens = (min(Double(rate), self.tokens.level + passed * Double(rate)) - Double(min(rate, count)), now)
            if self.tokens.level < -1 { return "more tokens than the rate allows" }
        }
        return nil
    }

    /// A call ends, and gives back at most what it was taken to need.
    mutating func end(tokens count: Int) {
        self.running -= 1
        guard let rate = self.policy.tokensPerMinute else { return }
        self.tokens.level = min(Double(rate), self.tokens.level + Double(min(rate, count)))
    }

    private mutating func refill(_ rate: Int, _ now: Instant) {
        let passed = now.duration(since: self.requests.at) / .seconds(60)
        let most = Double(self.policy.burst ?? rate)
        self.requests = (min(most, self.requests.level + passed * Double(rate)), now)
    }
}
