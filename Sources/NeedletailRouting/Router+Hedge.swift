import NeedletailCore

extension Router {
    /// What came of a call that may have been made twice.
    enum HedgeEnd: Sendable {
        case reply(InferenceReply)
        /// Each call's failure.
        case failed([(index: Int, error: NeedletailError)])
    }

    private enum Event: Sendable {
        case ended(Int, Result<InferenceReply, NeedletailError>)
        case isSlow
    }

    /// After which time a second target is to be asked beside `choice`; `nil` for never.
    func hedgeDelay(for choice: Choice, _ run: Run) -> Duration? {
        guard let hedge = self.options.hedge, run.calls == 1, run.request.operation.isHedged, run.request.pin == nil,
            run.maximum > 1
        else { return nil }
        switch hedge.after {
        case .fixed(let delay): return delay
        case .percentile(let share):
            let seen = self.targets[choice.index].statistics.snapshot()
            let window = run.request.isStreaming ? seen.firstTokens : seen.latencies
            return window.count < HedgePolicy.leastSamples ? nil : window.percentile(share)
        }
    }

    /// Asks a target, and a second one if the first has not begun to answer in time. Whoever answers first has answered;
    /// the other is cancelled, and both are settled.
    func askHedged(_ first: Choice, _ run: Run, after delay: Duration) async -> HedgeEnd {
        let (request, question, context) = (run.request, run.question, Self.apart(run.context))
        let wake = question.now.advanced(by: delay)
        return await withTaskGroup(of: Event.self, returning: HedgeEnd.self) { group in
            group.addTask { .ended(first.index, await self.result(first, request, question, context)) }
            group.addTask {
                try? await self.time.sleep(wake)
                return .isSlow
            }
            var running = 1
            var failed: [(index: Int, error: NeedletailError)] = []
            while let event = await group.next() {
                switch event {
                case .ended(_, .success(let reply)):
                    group.cancelAll()
                    // What the loser may yet answer is dropped here, and settled by that.
                    for await _ in group {}
                    return .reply(reply)
                case .ended(let index, .failure(let error)):
                    failed.append((index, error))
                    running -= 1
                    guard running > 0 else {
                        group.cancelAll()
                        return .failed(failed)
                    }
                case .isSlow:
                    guard !Task.isCancelled, let second = self.second(beside: first.index, run) else { continue }
                    running += 1
                    var context = Self.apart(run.context)
                    context.cause = .hedge
                    let (hedged, question) = (context, run.question)
                    group.addTask { .ended(second.index, await self.result(second, request, question, hedged)) }
                }
            }
            return .failed(failed)
        }
    }

    /// The context of an attempt beside another: its place is free when its own calls have ended.
    private static func apart(_ context: RequestContext) -> RequestContext {
        var context = context
        context.detachedCalls = .attempt(of: context.detachedCalls)
        return context
    }

    /// Another target that may be asked now, with everything that its call needs taken.
    private func second(beside first: Int, _ run: Run) -> Choice? {
        let now = self.time.now()
        run.question.now = now
        if let deadline = run.context.deadline, now >= deadline { return nil }
        guard run.calls < run.maximum, self.hedgeBudget?.canWithdraw(now: now) ?? false,
            self.budget?.canWithdraw(now: now) ?? true
        else { return nil }
        // Apart: who is left out here may be asked after all when the first call has failed.
        let other = Run(run.request, run.context, run.question, run.attempts, maximum: run.maximum)
        other.attempts.exclude(first)
        var refusals = Refusals()
        guard let choice = self.choose(other, &refusals, ranks: [.own]) else { return nil }
        guard self.hedgeBudget?.withdraw(now: now) ?? false, self.take(run, now: now) else {
            choice.permit.giveBack(now: now)
            return nil
        }
        return choice
    }

    private func result(
        _ choice: Choice, _ request: InferenceRequest, _ question: RoutingQuestion, _ context: RequestContext
    ) async -> Result<InferenceReply, NeedletailError> {
        do throws(NeedletailError) {
            return .success(try await self.ask(choice, request, question, context))
        } catch {
            return .failure(error)
        }
    }
}

extension Operation {
    /// Whether asking twice changes nothing but the bill.
    fileprivate var isHedged: Bool {
        switch self {
        case .chat, .embeddings, .singleEmbedding, .rerank, .moderations: true
        default: false
        }
    }
}
