public import NeedletailCore
import Synchronization

/// The limits of one provider, deployment, key, tenant or model: a lock around their state.
public final class LimitScope: Sendable {
    private let title: Mutex<String>
    private let state: Mutex<LimitState>
    private let waiting = WaitingQueues()
    /// Whether nothing is limited: then nobody need take the lock to find out.
    private let isOpen: Atomic<Bool>
    /// ``LimitState/sureTokens`` as of the last change. Between two changes limits only gain, so a request that needs no
    /// more may begin, and nobody need take the lock to find out.
    private let sureTokens: Atomic<Int>
    /// The bits of ``LimitState/fraction(now:)`` as of the last request that ended.
    private let left = Atomic<UInt64>(Double(1).bitPattern)
    /// Reads what a provider says of its limits from a reply; `nil` where nobody listens.
    private let observe: (@Sendable (InferenceReply, Instant) -> ObservedLimits?)?

    /// Creates a scope of which nothing is used.
    ///
    /// - Parameter observe: Reads what a provider says of its limits; asked only where the policy is adaptive.
    public init(
        _ name: String,
        _ policy: LimitPolicy,
        now: Instant,
        observe: (@Sendable (_ reply: InferenceReply, _ now: Instant) -> ObservedLimits?)? = nil
    ) {
        self.title = Mutex(name)
        let state = LimitState(policy, now: now)
        self.sureTokens = Atomic(state.sureTokens)
        self.state = Mutex(state)
        self.isOpen = Atomic(policy.isEmpty)
        self.observe = observe
    }

    /// Whose they are, for people: `provider openai`.
    public var name: String { self.title.withLock { $0 } }

    /// Gives another name.
    func rename(_ name: String) { self.title.withLock { $0 = name } }

    /// What is left.
    public func headroom(now: Instant) -> LimitHeadroom {
        self.state.withLock { $0.headroom(now: now) }
    }

    /// The share that was left of what is scarcest, from 0 to 1, when the last request ended. Takes no lock.
    var fraction: Double { Double(bitPattern: self.left.load(ordering: .relaxed)) }

    /// What a client is told is left; `nil` where neither requests nor tokens are limited.
    func report(now: Instant) -> LimitReport? {
        guard !self.isOpen.load(ordering: .relaxed) else { return nil }
        return self.state.withLock { $0.report(now: now) }
    }

    /// The limits.
    public var policy: LimitPolicy { self.state.withLock { $0.policy } }

    private func change<Value: Sendable>(_ body: (inout LimitState) -> Value) -> Value {
        self.state.withLock { state in
            let value = body(&state)
            self.sureTokens.store(state.sureTokens, ordering: .relaxed)
            return value
        }
    }

    /// Takes another policy over, for a configuration that has changed: what is used stays used.
    public func adopt(_ policy: LimitPolicy, now: Instant) {
        self.change { $0.adopt(policy, now: now) }
        self.isOpen.store(policy.isEmpty, ordering: .relaxed)
        self.waiting.poke()
    }

    /// Forgets that the provider asked not to be called.
    public func wake() {
        self.change { $0.wake() }
        self.waiting.poke()
    }

    /// Whether ``refusal(_:now:)`` refuses nobody of this size, as far as that can be told without the lock.
    func surelyAdmits(_ size: RequestSize) -> Bool {
        self.sureTokens.load(ordering: .relaxed) >= size.mostTokens
    }

    /// Why a request of this size may not begin; changes nothing.
    func refusal(_ size: RequestSize, now: Instant) -> Refusal? {
        guard !self.surelyAdmits(size) else { return nil }
        let found = self.state.withLock { state in
            state.refusal(tokens: state.estimate(input: size.input, output: size.output), now: now)
        }
        return found.map { Refusal($0.reason, until: $0.until, scope: self.name) }
    }

    /// Begins a request: takes everything that it needs, or nothing.
    ///
    /// - Returns: What it has taken; `nil` where nothing is limited.
    func reserve(_ size: RequestSize, now: Instant) -> Result<Hold?, LimitRefusal> {
        guard !self.isOpen.load(ordering: .relaxed) else { return .success(nil) }
        let (tokens, refused) = self.change { state in
            let tokens = state.estimate(input: size.input, output: size.output)
            return (tokens, state.reserve(tokens: tokens, now: now))
        }
        guard let refused else { return .success(Hold(scope: self, tokens: tokens)) }
        return .failure(LimitRefusal(refusal: Refusal(refused.reason, until: refused.until, scope: self.name)))
    }

    /// Takes note of a provider's refusal for its rate.
    func refused(now: Instant) {
        self.change { $0.refused(now: now) }
    }

    /// Takes note of what a reply says of the provider's limits.
    func replied(_ reply: InferenceReply, now: Instant) {
        guard let observe = self.observe, let limits = observe(reply, now) else { return }
        self.change { $0.observe(limits, now: now) }
    }

    /// Has `queue` told when a request ends here, once.
    func wakeWhenFreed(_ queue: AdmissionQueue) {
        self.waiting.add(queue)
    }

    /// What a request has taken of a scope: ended or undone exactly once, by the permit that holds it.
    struct Hold: Sendable {
        fileprivate let scope: LimitScope
        fileprivate let tokens: Int

        func undo(now: Instant) {
            self.scope.change { $0.undo(tokens: self.tokens, now: now) }
            self.scope.waiting.poke()
        }

        func end(used: Int?, now: Instant) {
            self.scope.change { state in
                state.end(tokens: self.tokens, used: used, now: now)
                self.scope.left.store(state.fraction(now: now).bitPattern, ordering: .relaxed)
            }
            self.scope.waiting.poke()
        }
    }
}

/// A ``Refusal`` that is a failure.
struct LimitRefusal: Error {
    var refusal: Refusal
}

/// What a request needs of tokens, as far as it says.
struct RequestSize: Sendable, Hashable {
    /// A guess at its input.
    var input: Int
    /// The most that it may have of output, where it says.
    var output: Int?

    init(input: Int, output: Int?) {
        self.input = input
        self.output = output
    }

    init(_ request: InferenceRequest) {
        self.init(input: request.estimatedInputTokens, output: request.maxOutputTokens)
    }

    /// At least what any ``LimitState/estimate(input:output:)`` takes it to need.
    var mostTokens: Int {
        let (sum, overflow) = max(0, self.input).addingReportingOverflow(
            max(0, self.output ?? LimitState.assumedOutput))
        return overflow ? .max : sum
    }
}
