import NeedletailCore

extension Router {
    /// One call, told to the permit, the target's statistics and the balancer: exactly once, however it ends.
    func ask(
        _ choice: Choice,
        _ request: InferenceRequest,
        _ question: RoutingQuestion,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let target = self.targets[choice.index]
        var attempt = request
        if let model = target.model { attempt.model = model }
        if let dialect = target.dialect { attempt.upstreamDialect = dialect }
        var context = context
        // Where the target is a router too, this call is its first.
        context.isCounted = true
        target.statistics.begin()
        let reply: InferenceReply
        do {
            reply = try await target.provider.respond(to: attempt, context: context)
        } catch {
            self.failed(error, choice, attempt.model, question, context)
            throw error
        }
        self.replied(reply, choice, question, context)
        return reply
    }

    /// Never inlined, as ``replied(_:_:_:_:)``: it would lie in the frame that waits for the provider.
    @inline(never)
    private func failed(
        _ error: NeedletailError, _ choice: Choice, _ model: String, _ question: RoutingQuestion,
        _ context: RequestContext
    ) {
        let (index, target) = (choice.index, self.targets[choice.index])
        let now = self.time.now()
        let result = AttemptResult(.init(error), latency: now.duration(since: question.now))
        target.deployment.gate.failed(error, model: model, now: now)
        choice.permit.settle(
            result.verdict, used: error.mayHaveBeenProcessed ? nil : 0, hasLeft: error.code == .cancelled,
            after: context.detachedCalls, time: self.time, random: self.random)
        target.statistics.end(result, isCommitted: false, now: now)
        target.deployment.gate.publishHeadroom(to: target.statistics, now: now)
        if self.ranks.own.contains(index) {
            self.balancer.record(result, of: index, in: self.targets, for: question)
        }
    }

    @inline(never)
    private func replied(
        _ reply: InferenceReply, _ choice: Choice, _ question: RoutingQuestion, _ context: RequestContext
    ) {
        let (index, permit) = (choice.index, choice.permit)
        let (statistics, gate) = (self.targets[index].statistics, self.targets[index].deployment.gate)
        let now = self.time.now()
        let latency = now.duration(since: question.now)
        let isOwn = self.ranks.own.contains(index)
        gate.replied(reply, now: now)
        switch reply.body {
        case .complete(_, let usage):
            let result = AttemptResult(.success, latency: latency, usage: usage)
            if permit.settle(.success, used: usage?.totalTokens, now: now, random: nil) { statistics.recover(now: now) }
            statistics.finish(result, now: now)
            gate.publishHeadroom(to: statistics, now: now)
            if isOwn { self.balancer.record(result, of: index, in: self.targets, for: question) }
        case .stream(let stream):
            statistics.commit(latency: latency, isStreamed: true, now: now)
            stream.onEnd {
                [
                    time = self.time, random = self.random, targets = self.targets, balancer = self.balancer,
                    calls = context.detachedCalls
                ] outcome in
                let now = time.now()
                let result = AttemptResult(.init(outcome), latency: latency, isStreamed: true, usage: outcome.usage)
                permit.settle(
                    result.verdict, used: outcome.usage?.totalTokens, hasLeft: outcome.hasLeft, after: calls,
                    time: time, random: random, recovering: statistics)
                statistics.end(result, isCommitted: true, now: now)
                gate.publishHeadroom(to: statistics, now: now)
                if isOwn { balancer.record(result, of: index, in: targets, for: question) }
            }
        }
    }
}

extension AdmissionGate {
    /// Tells balancers how much is left.
    fileprivate func publishHeadroom(to statistics: DeploymentStatistics, now: Instant) {
        if !self.limits.isEmpty { statistics.setHeadroom(self.headroom(now: now)) }
    }
}
