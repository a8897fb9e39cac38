public import NeedletailCore
import Synchronization

/// The circuit breaker of one deployment: a lock around its state.
public final class CircuitBreaker: Sendable {
    private let state: Mutex<CircuitBreakerState>
    /// Its spell while it lets everything through as it is, so that nobody need take the lock to pass; else ``notPlain``.
    private let plainSpell: Atomic<UInt64>
    private static let notPlain = UInt64.max

    /// Creates a closed breaker.
    ///
    /// - Parameter policy: `nil` for one that is switched off: only an operator can open it.
    public init(_ policy: CircuitBreakerPolicy? = CircuitBreakerPolicy()) {
        let state = CircuitBreakerState(policy)
        self.plainSpell = Atomic(state.spell)
        self.state = Mutex(state)
    }

    // MARK: Calls

    /// Whether it lets everything through as it is. Takes no lock.
    var isPlain: Bool { self.plainSpell.load(ordering: .acquiring) != Self.notPlain }

    /// Why a call may not begin; changes nothing.
    func refusal(now: Instant) -> Refusal? {
        guard !self.isPlain else { return nil }
        return self.state.withLock { state in
            let refusal = state.refusal(now: now)
            guard refusal.isRefused else { return nil }
            return Refusal(state.override == .open ? .forcedOpen : .circuitOpen, until: refusal.until)
        }
    }

    /// Admits a call or not.
    func admit(now: Instant) -> Result<CircuitBreakerState.Ticket, LimitRefusal> {
        let spell = self.plainSpell.load(ordering: .acquiring)
        guard spell == Self.notPlain else { return .success(.plain(spell)) }
        return self.change { state in
            switch state.admit(now: now) {
            case .allowed(let ticket): return .success(ticket)
            case .refused(let until):
                let reason: Refusal.Reason = state.override == .open ? .forcedOpen : .circuitOpen
                return .failure(LimitRefusal(refusal: Refusal(reason, until: until)))
            }
        }
    }

    /// Takes note of a call's end; exactly once for each that was admitted.
    ///
    /// - Parameter random: For the time that it stays open.
    /// - Returns: Whether it has closed by that.
    @discardableResult
    func record(
        _ verdict: AttemptResult.Verdict,
        of ticket: CircuitBreakerState.Ticket,
        now: Instant,
        random: RandomSource?
    ) -> Bool {
        let unit = verdict == .failure ? random?.unit() ?? 0 : 0
        return self.change { state in
            let before = state.phase
            state.record(verdict, of: ticket, now: now, unit: unit)
            return before == .halfOpen && state.phase == .closed
        }
    }

    private func change<Value: Sendable>(_ body: (inout CircuitBreakerState) -> Value) -> Value {
        self.state.withLock { state in
            let value = body(&state)
            let isPlain = state.phase == .closed && state.override != .open
            self.plainSpell.store(isPlain ? state.spell : Self.notPlain, ordering: .releasing)
            return value
        }
    }

    // MARK: Operators

    /// What it is like now.
    public func snapshot(now: Instant) -> CircuitBreakerState.Snapshot {
        self.state.withLock { $0.snapshot(now: now) }
    }

    /// When it opens and closes; `nil` when it is switched off.
    public var policy: CircuitBreakerPolicy? { self.state.withLock { $0.policy } }

    /// Opens it as if too much had failed; it recovers by itself.
    public func trip(now: Instant) {
        self.change { $0.trip(now: now, unit: 0) }
    }

    /// Closes it and forgets all failures, and what was forced.
    public func reset() {
        self.change { $0.reset() }
    }

    /// Holds it open or closed whatever happens; `nil` lets it go on from where it was.
    public func force(_ override: CircuitBreakerState.Override?) {
        self.change { $0.force(override) }
    }

    /// Takes another policy over, for a configuration that has changed; what has been counted stays.
    public func adopt(_ policy: CircuitBreakerPolicy?) {
        self.change { $0.adopt(policy) }
    }
}
