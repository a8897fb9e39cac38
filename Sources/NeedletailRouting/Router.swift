import Logging
public import NeedletailCore

/// Sends a request to one of several targets; the only place where anything is tried again.
///
/// The plan: ask the target that the balancer picks. When it fails in a way that another may not, ask one that has not
/// been asked yet, at once. When all have been asked, wait, by the provider's own `retry-after` or else by backoff, and
/// ask those again that may do better the second time. Stop at the group's count of attempts, at each target's own, and
/// at the request's deadline, whichever comes first.
public struct Router: Provider {
    /// The group's name.
    public let id: ProviderID
    private let targets: [Target]
    private let balancer: any Balancer
    private let maximumAttempts: Int
    private let time: TimeSource
    private let random: RandomSource

    /// Creates a router.
    ///
    /// - Parameters:
    ///   - id: The group's name.
    ///   - targets: Where requests may go; those beyond ``TargetSet/capacity`` are never asked.
    ///   - balancer: Who chooses.
    ///   - maximumAttempts: All calls of one request, the first included; at least 1.
    ///   - time: The clock.
    ///   - random: Randomness for backoff and balancer.
    public init(
        id: ProviderID,
        targets: [Target],
        balancer: any Balancer,
        maximumAttempts: Int = 3,
        time: TimeSource,
        random: RandomSource
    ) {
        self.id = id
        self.targets = targets
        self.balancer = balancer
        self.maximumAttempts = max(1, maximumAttempts)
        self.time = time
        self.random = random
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        var attempts = Attempts(
            targets: self.targets, maximum: self.maximumAttempts, spent: context.request.attempts)
        guard !attempts.isSpent else {
            throw NeedletailError(.unavailable, "All attempts of the request are spent.")
        }
        if let pin = request.pin {
            attempts.keep { $0.provider.id == pin }
            guard !attempts.fresh.isEmpty else {
                throw NeedletailError(
                    .invalidRequest,
                    "The response that this request goes on from was issued by a provider that the model does not lead to.",
                    parameter: "previous_response_id")
            }
        }
        if !context.broken.isEmpty {
            attempts.postpone { target in
                let model = target.model ?? request.model
                return context.broken.contains { $0.provider == target.provider.id && $0.model == model }
            }
        }
        var context = context
        var question = RoutingQuestion(
            request, now: self.time.now(), random: self.random, affinity: self.balancer.affinity(of: request, context))
        while true {
            guard let index = self.balancer.pick(from: self.targets, among: attempts.fresh, for: question) else {
                throw NeedletailError(.unavailable, "The group \(self.id) has no target that may be asked.")
            }
            do {
                return try await self.ask(index, request, question, context)
            } catch {
                question.now = self.time.now()
                let step = attempts.next(
                    after: error,
                    of: index,
                    deadline: context.deadline,
                    now: question.now,
                    unit: self.random.unit()
                )
                switch step {
                case .giveUp:
                    throw error
                case .askAgain(let wake):
                    context.logger.debug(
                        "An attempt failed; another follows.",
                        metadata: [
                            "needletail.request_id": "\(context.id)",
                            "needletail.provider": "\(self.targets[index].provider.id)",
                            "needletail.code": "\(error.code)", "needletail.attempt": "\(context.attempt)",
                        ]
                    )
                    if let wake {
                        try await self.pause(until: wake, context.request)
                        question.now = self.time.now()
                    }
                    context.attempt += 1
                }
            }
        }
    }

    /// One call, told to the target's statistics and to the balancer: exactly once, however it ends.
    private func ask(
        _ index: Int,
        _ request: InferenceRequest,
        _ question: RoutingQuestion,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let target = self.targets[index]
        var attempt = request
        if let model = target.model { attempt.model = model }
        if let dialect = target.dialect { attempt.upstreamDialect = dialect }
        context.request.countAttempt()
        let statistics = target.statistics
        let begin = question.now
        statistics.begin()
        let reply: InferenceReply
        do {
            reply = try await target.provider.respond(to: attempt, context: context)
        } catch {
            let now = self.time.now()
            let result = AttemptResult(.init(error), latency: now.duration(since: begin))
            statistics.end(result, isCommitted: false, now: now)
            self.balancer.record(result, of: index, in: self.targets, for: question)
            throw error
        }
        let now = self.time.now()
        let latency = now.duration(since: begin)
        let isStreamed = reply.isStreamed
        statistics.commit(latency: latency, isStreamed: isStreamed, now: now)
        reply.onEnd { [time = self.time, targets = self.targets, balancer = self.balancer] outcome in
            let result = AttemptResult(.init(outcome), latency: latency, isStreamed: isStreamed, usage: outcome.usage)
            statistics.end(result, isCommitted: true, now: isStreamed ? time.now() : now)
            balancer.record(result, of: index, in: targets, for: question)
        }
        return reply
    }

    private func pause(until wake: Instant, _ request: RequestInfo) async throws(NeedletailError) {
        let begin = self.time.now()
        defer { request.countWait(self.time.now().duration(since: begin)) }
        do { try await self.time.sleep(wake) } catch {
            throw NeedletailError(.cancelled, "The request was cancelled.", cause: error)
        }
    }
}

extension InferenceReply {
    /// Whether it is a stream, which goes on after the commit.
    fileprivate var isStreamed: Bool {
        if case .stream = self.body { true } else { false }
    }
}
