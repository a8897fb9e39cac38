import NeedletailCore
import Synchronization

/// The right to one call, and the duty to say how it ended. What is forgotten is settled as nobody's fault.
final class AdmissionPermit: Sendable {
    private let gate: AdmissionGate
    private let ticket: CircuitBreakerState.Ticket
    private let holds: LimitHolds
    private let isSettled = Atomic<Bool>(false)

    init(_ gate: AdmissionGate, _ ticket: CircuitBreakerState.Ticket, _ holds: LimitHolds) {
        self.gate = gate
        self.ticket = ticket
        self.holds = holds
    }

    deinit {
        // No clock is at hand; an instant before everything changes no bucket and no breaker but frees their places.
        self.settle(.neutral, used: nil, now: Instant(nanoseconds: .min), random: nil)
    }

    /// Whether the call probes a breaker that is half open.
    var isProbe: Bool { self.ticket.isProbe }

    /// Says how the call ended; only the first time counts.
    ///
    /// - Parameters:
    ///   - used: The tokens that it took; `nil` where nobody knows.
    ///   - random: For the time that a breaker stays open.
    /// - Returns: Whether the breaker has closed by that.
    @discardableResult
    func settle(_ verdict: AttemptResult.Verdict, used: Int?, now: Instant, random: RandomSource?) -> Bool {
        guard !self.isSettled.exchange(true, ordering: .relaxed) else { return false }
        self.holds.end(used: used, now: now)
        let hasClosed = self.gate.breaker.record(verdict, of: self.ticket, now: now, random: random)
        self.gate.freed()
        return hasClosed
    }

    /// Says how a call ended for its client; where the client has left and the call is read on to its end, its places are free
    /// only then.
    ///
    /// - Parameters:
    ///   - hasLeft: Whether the client has.
    ///   - calls: Those that are read on where it has.
    ///   - statistics: Told when the breaker has closed by that.
    func settle(
        _ verdict: AttemptResult.Verdict, used: Int?, hasLeft: Bool, after calls: DetachedCalls, time: TimeSource,
        random: RandomSource?, recovering statistics: DeploymentStatistics? = nil
    ) {
        guard hasLeft else { return self.settle(verdict, used: used, time, random, recovering: statistics) }
        calls.afterAll { self.settle(verdict, used: used, time, random, recovering: statistics) }
    }

    private func settle(
        _ verdict: AttemptResult.Verdict, used: Int?, _ time: TimeSource, _ random: RandomSource?,
        recovering statistics: DeploymentStatistics?
    ) {
        let now = time.now()
        if self.settle(verdict, used: used, now: now, random: random) { statistics?.recover(now: now) }
    }

    /// Gives everything back: the call is not made after all.
    func giveBack(now: Instant) {
        guard !self.isSettled.exchange(true, ordering: .relaxed) else { return }
        self.holds.undo(now: now)
        self.gate.breaker.record(.neutral, of: self.ticket, now: now, random: nil)
        self.gate.freed()
    }
}
