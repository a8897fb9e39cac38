import NeedletailCore

@testable import NeedletailRouting

/// What a circuit breaker may let through, worked out from a provider's own calls: written apart from the breaker that it
/// judges, and only for policies that count failures in a row.
struct BreakerOracle {
    private enum Phase: Equatable {
        case closed
        case open(until: Instant)
        case halfOpen
    }

    private let policy: CircuitBreakerPolicy
    private var phase = Phase.closed
    private var spell = 0
    private var failures = 0
    private var successes = 0
    private var openings = 0
    /// The spell in which each running call began.
    private var running: [Int: Int] = [:]

    init(_ policy: CircuitBreakerPolicy) {
        self.policy = policy
    }

    /// Whether it lets everything through.
    var isClosed: Bool { self.phase == .closed }

    /// A call begins.
    ///
    /// - Returns: Why it should not have.
    mutating func begin(_ call: Int, now: Instant) -> String? {
        var fault: String?
        if case .open(let until) = self.phase {
            if now < until { fault = "a call while the breaker is open" }
            self.enter(.halfOpen)
        }
        self.running[call] = self.spell
        if self.phase == .halfOpen, self.running.values.count(where: { $0 == self.spell }) > self.policy.halfOpenLimit {
            fault = "more probes than the half-open limit"
        }
        return fault
    }

    /// A call ends; `nil` for an end that blames nobody.
    mutating func end(_ call: Int, isSuccess: Bool?, now: Instant) {
        guard self.running.removeValue(forKey: call) == self.spell, let isSuccess else { return }
        switch (self.phase, isSuccess) {
        case (.open, _): break
        case (.closed, true): self.failures = 0
        case (.closed, false):
            self.failures += 1
            if self.failures >= self.policy.failureThreshold { self.open(now) }
        case (.halfOpen, true):
            self.successes += 1
            if self.successes >= self.policy.successThreshold {
                self.openings = 0
                self.enter(.closed)
            }
        case (.halfOpen, false): self.open(now)
        }
    }

    private mutating func open(_ now: Instant) {
        self.openings += 1
        let growth = min(CircuitBreakerPolicy.maximumGrowth, 1 << min(self.openings - 1, 10))
        self.enter(.open(until: now.advanced(by: self.policy.recoveryTimeout * growth)))
    }

    private mutating func enter(_ phase: Phase) {
        self.phase = phase
        self.spell += 1
        self.failures = 0
        self.successes = 0
    }
}
