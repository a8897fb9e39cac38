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

    /// What is closed for as long as a refused call was told to wait.
    public enum Rest: Sendable, Hashable {
        /// The gate.
        case whole
        /// The gate for the model that was asked for, where it stands for whatever models clients name: one model's limit is
        /// not another's.
        case eachModel
        /// Nothing.
        case none
    }

    private let rests: Rest
    /// Of ``Rest/eachModel``.
    private let models: ModelRests?

    /// Creates a gate.
    ///
    /// - Parameter rests: What is closed for as long as a refused call was told to wait. Default the gate.
    public init(breaker: CircuitBreaker = CircuitBreaker(), limits: [LimitScope] = [], rests: Rest = .whole) {
        self.breaker = breaker
        self.limits = limits
        self.rests = rests
        self.models = rests == .eachModel ? ModelRests() : nil
    }

    /// Whether ``refusal(_:model:now:)`` refuses nobody of this size, as far as that can be told without a lock. Never wrongly
    /// true.
    func surelyAdmits(_ size: RequestSize, now: Instant) -> Bool {
        guard self.breaker.isPlain, now.nanoseconds >= self.restsUntil.load(ordering: .relaxed),
            self.models?.isEmpty ?? true
        else { return false }
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

    /// Why a request for a model may not pass now; changes nothing.
    func refusal(_ size: RequestSize, model: String, now: Instant) -> Refusal? {
        self.refusal(size, now: now)
            ?? self.models?.rest(of: model, now: now).map { Refusal(.resting, until: $0) }
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
    ///
    /// - Parameter model: What was asked for.
    func failed(_ error: NeedletailError, model: String, now: Instant) {
        if error.code == .rateLimited { for scope in self.limits { scope.refused(now: now) } }
        guard error.code == .rateLimited || error.code == .overloaded else { return }
        // Another key may be good for what this one was refused.
        guard let wait = error.retryAfter, !error.hasOtherCredential else { return }
        let until = now.advanced(by: min(wait, Self.longestRest))
        switch self.rests {
        case .whole: self.restsUntil.max(until.nanoseconds, ordering: .relaxed)
        case .eachModel: self.models?.rest(model, until: until, now: now)
        case .none: break
        }
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
        self.models?.wake()
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
