import Logging
public import NeedletailCore

/// Sends a request to one of several targets; the only place where anything is tried again.
///
/// The plan: of the targets that may be asked now (circuit breaker, what the provider asked for, limits, what the model
/// can do) ask the one that the balancer picks. When it fails in a way that another may not, ask one that has not been
/// asked yet, at once; then the fallbacks, at once; then, each after its own pause (the provider's `retry-after` or else
/// backoff with full jitter), those again that may do better the second time. Where none may be asked now, wait for the
/// first that may, as far as policy, queue and deadline allow. Stop at the group's count of attempts (which nested
/// routers and the retries of the client's SDK share), at each target's own, at the group's retry budget and at the
/// request's deadline, whichever comes first, and tell the failure that says most.
public struct Router: Provider {
    /// The group's name.
    public let id: ProviderID
    private(set) var ranks: TargetRanks
    private(set) var balancer: any Balancer
    let options: RouterOptions
    private let budgets: RouterBudgets
    var budget: RetryBudget? { self.budgets.retries }
    var hedgeBudget: RetryBudget? { self.budgets.hedges }
    let queue: AdmissionQueue?
    /// The group's own limits; `nil` where there are none.
    let gate: AdmissionGate?
    let time: TimeSource
    let random: RandomSource

    /// All targets, fallbacks included, in the order in which balancer and explanation count them.
    public var targets: [Target] { self.ranks.targets }

    /// Creates a router.
    ///
    /// - Parameters:
    ///   - id: The group's name.
    ///   - targets: Where requests may go; those beyond ``TargetSet/capacity``, fallbacks included, are never asked.
    ///   - balancer: Who chooses.
    ///   - fallbacks: Who answers when `targets` do not.
    ///   - options: How it tries.
    ///   - budgets: Those that it shares with other routers; `nil` for its own, as `options` have them.
    ///   - time: The clock.
    ///   - random: Randomness for backoff and balancer.
    public init(
        id: ProviderID,
        targets: [Target],
        balancer: any Balancer,
        fallbacks: FallbackTargets = FallbackTargets(),
        options: RouterOptions,
        budgets: RouterBudgets? = nil,
        time: TimeSource,
        random: RandomSource
    ) {
        let now = time.now()
        self.id = id
        self.ranks = TargetRanks(targets, fallbacks)
        self.balancer = balancer
        self.options = options
        let budgets =
            budgets
            ?? RouterBudgets(
                retries: options.retryBudget, hedge: options.hedge, waiting: options.queue.size, now: now)
        self.budgets = budgets
        self.queue = options.queue.size > 0 ? AdmissionQueue(budgets.places, total: options.waiting) : nil
        self.gate =
            options.limits.isEmpty ? nil : AdmissionGate(breaker: CircuitBreaker(nil), limits: options.limits)
        self.time = time
        self.random = random
    }

    /// Creates a router that tries as ``RouterOptions`` have it by default.
    ///
    /// - Parameter maximumAttempts: All calls of one request, the first included; at least 1.
    public init(
        id: ProviderID,
        targets: [Target],
        balancer: any Balancer,
        maximumAttempts: Int = 3,
        time: TimeSource,
        random: RandomSource
    ) {
        self.init(
            id: id, targets: targets, balancer: balancer, options: RouterOptions(maximumAttempts: maximumAttempts),
            time: time, random: random)
    }

    /// The same router for only some of its own targets, with the same budgets, queue and limits: for a request that names
    /// one of several models. It asks them in the order of their list, whatever the strategy: that has no state for a part.
    ///
    /// - Returns: `nil` where no own target is wanted.
    public func narrowed(to isWanted: (Target) -> Bool) -> Router? {
        let wanted = self.ranks.narrowed(to: isWanted)
        guard !wanted.own.isEmpty else { return nil }
        var router = self
        router.ranks = wanted
        router.balancer = .priority
        return router
    }

    /// Closes whatever its targets are; see ``Provider/close()``.
    public func close() async {
        await withDiscardingTaskGroup { group in
            for target in self.targets { group.addTask { await target.provider.close() } }
        }
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let run = try self.start(request, context)
        let reply: InferenceReply
        do {
            reply = try await self.tryAll(run)
        } catch {
            // The call that the router above has counted was never made.
            if run.context.isCounted { context.request.uncountAttempt() }
            self.end(run, error)
            throw error
        }
        if let permit = run.groupPermit { self.settle(permit, reply, context) }
        return reply
    }

    @inline(never)
    private func settle(_ permit: AdmissionPermit, _ reply: InferenceReply, _ context: RequestContext) {
        switch reply.body {
        case .complete(_, let usage):
            permit.settle(.neutral, used: usage?.totalTokens, now: self.time.now(), random: nil)
        case .stream(let stream):
            stream.onEnd { [time = self.time, calls = context.detachedCalls] outcome in
                permit.settle(
                    .neutral, used: outcome.usage?.totalTokens, hasLeft: outcome.hasLeft, after: calls,
                    time: time, random: nil)
            }
        }
    }

    /// Settles with the group's own limits: whoever was refused without a call has used nothing of them.
    private func end(_ run: Run, _ error: NeedletailError) {
        guard let permit = run.groupPermit else { return }
        guard run.calls > 0 else { return permit.giveBack(now: self.time.now()) }
        permit.settle(
            .neutral, used: error.mayHaveBeenProcessed ? nil : 0, hasLeft: error.code == .cancelled,
            after: run.context.detachedCalls, time: self.time, random: nil)
    }

    /// One request's way through this router. One object: every step passes it on, and waits with it.
    final class Run {
        let request: InferenceRequest
        let size: RequestSize
        var context: RequestContext
        var question: RoutingQuestion
        var attempts: Attempts
        /// Calls that this router has made.
        var calls = 0
        /// Pauses that it has made.
        var pauses = 0
        /// The most calls that it may make.
        let maximum: Int
        /// What was taken of the group's own limits.
        var groupPermit: AdmissionPermit?

        init(
            _ request: InferenceRequest, _ context: RequestContext, _ question: RoutingQuestion, _ attempts: Attempts,
            maximum: Int
        ) {
            self.request = request
            self.size = RequestSize(request)
            self.context = context
            self.question = question
            self.attempts = attempts
            self.maximum = maximum
        }
    }

    private func start(_ request: InferenceRequest, _ context: RequestContext) throws(NeedletailError) -> Run {
        let now = self.time.now()
        let run = try self.prepared(request, context, now)
        if let gate = self.gate {
            defer { gate.report(to: context.request, now: now) }
            switch gate.admit(run.size, now: now) {
            case .success(let admitted): run.groupPermit = admitted
            case .failure(let refused): throw refused.refusal.error(now: now)
            }
        }
        self.budget?.deposit(now: now)
        self.hedgeBudget?.deposit(now: now)
        return run
    }

    /// A request's way before its first step. Changes nothing.
    func prepared(
        _ request: InferenceRequest, _ context: RequestContext, _ now: Instant
    ) throws(NeedletailError) -> Run {
        var attempts = Attempts(self.ranks)
        if let pin = request.pin {
            attempts.keep { $0.provider.id == pin }
            guard !attempts.isOver else {
                throw NeedletailError(
                    .invalidRequest,
                    "The response that this request goes on from was issued by a provider that the model does not lead to.",
                    parameter: "previous_response_id")
            }
        }
        if let allowed = context.request.allowedProviders {
            attempts.keep { Self.isAllowed($0, allowed) }
            guard !attempts.isOver else {
                throw NeedletailError(.forbidden, "The key may use none of the providers that this model leads to.")
            }
        }
        if !context.broken.isEmpty {
            attempts.postpone { target in
                let model = target.model ?? request.model
                return context.broken.contains { $0.provider == target.provider.id && $0.model == model }
            }
        }
        var context = context
        var maximum = self.options.maximumAttempts
        if context.attemptLimit == nil {
            // What the client's SDK has tried before has been tried: both together stay within the maximum.
            maximum = max(1, maximum - max(0, context.request.clientRetryCount))
            context.attemptLimit = maximum
        }
        let question = RoutingQuestion(
            request, now: now, random: context.draw.map { .seeded($0) } ?? self.random,
            affinity: self.balancer.affinity(of: request, context))
        return Run(request, context, question, attempts, maximum: maximum)
    }

    /// Whether a key that may use only some providers may use this one. A group inside asks for itself.
    static func isAllowed(_ target: Target, _ allowed: [String]) -> Bool {
        target.provider is Router || allowed.contains { ModelGlob($0).matches(target.provider.id.rawValue) }
    }

    private func tryAll(_ run: Run) async throws(NeedletailError) -> InferenceReply {
        while true {
            var refusals = Refusals()
            let choice: Choice?
            switch try self.next(run, &refusals) {
            case .choice(let found): choice = found
            case .queue(let queue): choice = try await self.waitInQueue(queue, run, &refusals)
            case .none:
                if try await self.pause(run, refusals) { continue }
                guard let queue = self.queue, self.isWorthWaiting(refusals, run) else {
                    throw self.failure(run, refusals)
                }
                choice = try await self.waitInQueue(queue, run, &refusals)
            }
            guard let choice else { throw self.failure(run, refusals) }
            if let reply = try await self.call(choice, run) { return reply }
        }
    }

    /// What to do next.
    private enum Step {
        /// To ask this one.
        case choice(Choice)
        /// To wait behind those that came before.
        case queue(AdmissionQueue)
        /// Nobody may be asked now.
        case none
    }

    /// Never inlined, as all here that does not wait: it would lie in the frame of who does, for as long as it waits.
    @inline(never)
    private func next(_ run: Run, _ refusals: inout Refusals) throws(NeedletailError) -> Step {
        let now = self.time.now()
        run.question.now = now
        if let deadline = run.context.deadline, now >= deadline {
            throw run.attempts.failures.answer(or: NeedletailError(.timedOut, "The time for the request is over."))
        }
        guard self.mayCall(run, now: now) else { throw self.exhausted(run) }
        if run.calls == 0, let queue = self.queue, queue.isBehind(run.context.request.priority) { return .queue(queue) }
        return self.choose(run, &refusals).map { .choice($0) } ?? .none
    }

    /// Whether one more call may be made at all.
    private func mayCall(_ run: Run, now: Instant) -> Bool {
        guard run.calls < run.maximum else { return false }
        if !run.context.isCounted, run.context.request.attempts >= run.context.attemptLimit ?? .max { return false }
        return self.isFirst(run) || self.budget?.canWithdraw(now: now) ?? true
    }

    /// Whether the next call is the request's first, which no budget is asked for.
    func isFirst(_ run: Run) -> Bool {
        run.calls == 0 && (run.context.isCounted || run.context.request.attempts == 0)
    }

    /// Makes a call.
    ///
    /// - Returns: The reply; `nil` when it failed and another may follow.
    /// - Throws: The failure to tell, when none may.
    private func call(_ choice: Choice, _ run: Run) async throws(NeedletailError) -> InferenceReply? {
        let begun = try self.begin(choice, run)
        if let delay = self.hedgeDelay(for: choice, run) {
            return try await self.callHedged(choice, begun, run, after: delay)
        }
        do throws(NeedletailError) {
            return try await self.ask(choice, run.request, run.question, run.context)
        } catch {
            try self.note([(choice.index, error)], begun, run)
            return nil
        }
    }

    /// Never inlined: most calls are not hedged, and would keep room for it.
    @inline(never)
    private func callHedged(
        _ choice: Choice, _ begun: Begun, _ run: Run, after delay: Duration
    ) async throws(NeedletailError) -> InferenceReply? {
        switch await self.askHedged(choice, run, after: delay) {
        case .reply(let reply): return reply
        case .failed(let errors):
            try self.note(errors, begun, run)
            return nil
        }
    }

    /// What was counted when a call began.
    private struct Begun {
        /// The calls of this router before it.
        let calls: Int
        /// Those of the request.
        let made: Int
        let isFirst: Bool
    }

    @inline(never)
    private func begin(_ choice: Choice, _ run: Run) throws(NeedletailError) -> Begun {
        let now = self.time.now()
        let (calls, isFirst) = (run.calls, self.isFirst(run))
        guard self.take(run, now: now) else {
            choice.permit.giveBack(now: now)
            throw self.exhausted(run)
        }
        return Begun(calls: calls, made: run.context.request.attempts - 1, isFirst: isFirst)
    }

    /// Notes whose calls failed.
    ///
    /// - Throws: The failure to tell, when no other may follow.
    @inline(never)
    private func note(
        _ failed: [(index: Int, error: NeedletailError)], _ begun: Begun, _ run: Run
    ) throws(NeedletailError) {
        self.giveBack(run.calls - begun.calls, of: run, since: begun.made, isFirst: begun.isFirst)
        let end = self.time.now()
        for (index, error) in failed {
            run.attempts.failed(error, of: index, now: end, unit: self.random.unit())
            run.context.logger.debug(
                "An attempt failed.",
                metadata: [
                    "needletail.request_id": "\(run.context.id)",
                    "needletail.provider": "\(self.targets[index].provider.id)", "needletail.code": "\(error.code)",
                    "needletail.attempt": "\(run.context.attempt)",
                ]
            )
            // Nobody waits for an answer any more.
            if error.code == .cancelled { throw error }
        }
        run.context.attempt += 1
        if run.attempts.isOver { throw self.failure(run, Refusals()) }
    }

    /// Counts a call, and takes it from the budget if it is not the request's first.
    ///
    /// - Returns: Whether it may be made.
    func take(_ run: Run, now: Instant) -> Bool {
        if !self.isFirst(run), self.budget?.withdraw(now: now) == false { return false }
        if run.context.isCounted {
            run.context.isCounted = false
        } else {
            guard run.context.request.countAttempt(limit: run.context.attemptLimit ?? .max) else { return false }
        }
        run.calls += 1
        return true
    }

    /// Takes back what was counted for calls that were none: a group inside that may ask nobody has called nobody.
    ///
    /// - Parameters:
    ///   - started: How many calls this router has counted.
    ///   - made: How many the request had before.
    ///   - isFirst: Whether no budget was asked for the first of them.
    private func giveBack(_ started: Int, of run: Run, since made: Int, isFirst: Bool) {
        let real = min(started, max(0, run.context.request.attempts - made))
        guard real < started else { return }
        run.calls -= started - real
        let free = isFirst ? 1 : 0
        self.budget?.giveBack(started - free - max(0, real - free), now: self.time.now())
    }
}
