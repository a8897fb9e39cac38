public import NeedletailCore
import Synchronization

/// What a call must pass to reach a deployment: the circuit breaker, what the provider asked for, and the limits of every
/// scope that it counts in. Taken together or not at all.
public final class AdmissionGate: Sendable {
    /// The circuit breaker.
    public let breaker: CircuitBreaker
    /// The limits, the widest scope first.
    public let limits: [LimitScope]
    /// Nanoseconds before which the provider asked not to be called.
    private let restsUntil = Atomic<Int64>(.min)
    private let waiting = WaitingQueues()

    /// No provider is left alone for longer, whatever it asks for: it may be wrong.
    static let longestRest = Duration.seconds(3600)

    /// Whether it is closed for as long as a refused call was told to wait.
    private let rests: Bool

    /// Creates a gate.
    ///
    /// - Parameter rests: Whether it is closed for as long as a refused call was told to wait. False where it stands for
    ///   whatever models clients name: one model's limit is not another's. Default true.
    public init(breaker: CircuitBreaker = CircuitBreaker(), limits: [LimitScope] = [], rests: Bool = true) {
        self.breaker = breaker
        self.limits = limits
        self.rests = rests
    }

    /// Whether ``refusal(_:now:)`` refuses nobody of this size, as far as that can be told without a lock. Never wrongly
    /// true.
    func surelyAdmits(_ size: RequestSize, now: Instant) -> Bool {
        guard self.breaker.isPlain, now.nanoseconds >= self.restsUntil.load(ordering: .relaxed) else { return false }
        for scope in self.limits where !scope.surelyAdmits(size) { return false }
        return true
    }

    /// Why a request may not pass now; changes nothing.
    func refusal(_ size: RequestSize, now: Instant) -> Refusal? {
        if let refusal = self.breaker.refusal(now: now) { return refusal }
        if let until = self.rest(now: now) { return Refusal(.resting, until: until) }
        for scope in self.limits {
            if let refusal = scope.refusal(size, now: now) { return refusal }
        }
        return nil
    }

    /// Admits a request.
    ///
    /// - Returns: A permit that must be settled, or why there is none; then nothing has been taken.
    func admit(_ size: RequestSize, now: Instant) -> Result<AdmissionPermit, LimitRefusal> {
        if let until = self.rest(now: now) {
            // An order or an open breaker is the better answer: it says more than when to come again.
            return .failure(LimitRefusal(refusal: self.breaker.refusal(now: now) ?? Refusal(.resting, until: until)))
        }
        var holds = LimitHolds()
        for scope in self.limits {
            switch scope.reserve(size, now: now) {
            case .success(let hold): if let hold { holds.append(hold) }
            case .failure(let refusal):
                holds.undo(now: now)
                return .failure(refusal)
            }
        }
        // Last, so that a probe's place is not taken by a request that some limit holds back.
        switch self.breaker.admit(now: now) {
        case .success(let ticket): return .success(AdmissionPermit(self, ticket, holds))
        case .failure(let refusal):
            holds.undo(now: now)
            return .failure(refusal)
        }
    }

    /// Takes note of a failure: of a provider's refusal for its rate, and of when it asked to be called again.
    func failed(_ error: NeedletailError, now: Instant) {
        if error.code == .rateLimited { for scope in self.limits { scope.refused(now: now) } }
        guard error.code == .rateLimited || error.code == .overloaded else { return }
        // Another key may be good for what this one was refused.
        guard self.rests, let wait = error.retryAfter, !error.hasOtherCredential else { return }
        let until = now.advanced(by: min(wait, Self.longestRest)).nanoseconds
        self.restsUntil.max(until, ordering: .relaxed)
    }

    /// Takes note of what a reply says of the provider's limits.
    func replied(_ reply: InferenceReply, now: Instant) {
        for scope in self.limits { scope.replied(reply, now: now) }
    }

    /// Says what is left for the headers of a reply.
    func report(to request: RequestInfo, now: Instant) {
        for scope in self.limits {
            if let report = scope.report(now: now) { request.report(report) }
        }
    }

    /// What was left of the scarcest limit when its last request ended, from 0 to 1; 1 where nothing is limited.
    func headroom(now: Instant) -> Double {
        guard self.rest(now: now) == nil else { return 0 }
        var least = 1.0
        for scope in self.limits { least = min(least, scope.fraction) }
        return least
    }

    /// Before when the provider asked not to be called; `nil` when it may be.
    public func rest(now: Instant) -> Instant? {
        let until = self.restsUntil.load(ordering: .relaxed)
        return now.nanoseconds < until ? Instant(nanoseconds: until) : nil
    }

    /// Forgets that the provider asked not to be called.
    public func wake() {
        self.restsUntil.store(.min, ordering: .relaxed)
        for scope in self.limits { scope.wake() }
        self.waiting.poke()
    }

    /// Has `queue` told when a request ends here or in one of the scopes, once.
    func wakeWhenFreed(_ queue: AdmissionQueue) {
        self.waiting.add(queue)
        for scope in self.limits { scope.wakeWhenFreed(queue) }
    }

    func freed() {
        self.waiting.poke()
    }
}
