import NeedletailCore

extension Router {
    /// One call, told to the permit, the target's statistics and the balancer: exactly once, however it ends.
    func ask(
        _ choice: Choice,
        _ request: InferenceRequest,
        _ question: RoutingQuestion,
        _ context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let index = choice.index
        let permit = choice.permit
        let target = self.targets[index]
        var attempt = request
        if let model = target.model { attempt.model = model }
        if let dialect = target.dialect { attempt.upstreamDialect = dialect }
        var context = context
        // Where the target is a router too, this call is its first.
        context.isCounted = true
        let statistics = target.statistics
        let gate = target.deployment.gate
        let begin = question.now
        statistics.begin()
        let reply: InferenceReply
        do {
            reply = try await target.provider.respond(to: attempt, context: context)
        } catch {
            let now = self.time.now()
            let result = AttemptResult(.init(error), latency: now.duration(since: begin))
            gate.failed(error, now: now)
            permit.settle(
                result.verdict, used: error.mayHaveBeenProcessed ? nil : 0, now: now, random: self.random)
            statistics.end(result, isCommitted: false, now: now)
            gate.publishHeadroom(to: statistics, now: now)
            if self.ranks.own.contains(index) {
                self.balancer.record(result, of: index, in: self.targets, for: question)
            }
            throw error
        }
        let now = self.time.now()
        let latency = now.duration(since: begin)
        let isStreamed = reply.isStreamed
        let isOwn = self.ranks.own.contains(index)
        statistics.commit(latency: latency, isStreamed: isStreamed, now: now)
        gate.replied(reply, now: now)
        reply.onEnd {
            [time = self.time, random = self.random, targets = self.targets, balancer = self.balancer] outcome in
            let now = isStreamed ? time.now() : now
            let result = AttemptResult(.init(outcome), latency: latency, isStreamed: isStreamed, usage: outcome.usage)
            let isBack = permit.settle(
                result.verdict, used: outcome.usage?.totalTokens, now: now, random: random)
            if isBack { statistics.recover(now: now) }
            statistics.end(result, isCommitted: true, now: now)
            gate.publishHeadroom(to: statistics, now: now)
            if isOwn { balancer.record(result, of: index, in: targets, for: question) }
        }
        return reply
    }
}

extension AdmissionGate {
    /// Tells balancers how much is left.
    fileprivate func publishHeadroom(to statistics: DeploymentStatistics, now: Instant) {
        if !self.limits.isEmpty { statistics.setHeadroom(self.headroom(now: now)) }
    }
}

extension InferenceReply {
    /// Whether it is a stream, which goes on after the commit.
    fileprivate var isStreamed: Bool {
        if case .stream = self.body { true } else { false }
    }
}
