public import NeedletailCore

extension Router {
    /// Says what would become of a request now; see ``RoutingExplanation``.
    public func explain(_ request: InferenceRequest, context: RequestContext) -> RoutingExplanation {
        let now = self.time.now()
        let size = RequestSize(request)
        var question = RoutingQuestion(
            request, now: now, random: self.random, affinity: self.balancer.affinity(of: request, context))
        question.isPeek = true
        var candidates: [RoutingExplanation.Candidate] = []
        var open = TargetSet()
        var refusals = Refusals()
        var attempts = Attempts(self.ranks)
        if let pin = request.pin { attempts.keep { $0.provider.id == pin } }
        for (index, target) in self.targets.enumerated() {
            let gate = target.deployment.gate
            var unfit = target.judge?(request, target.model ?? request.model)
            if let pin = request.pin, target.provider.id != pin {
                unfit = NeedletailError(
                    .unsupported, "Another provider keeps what the request goes on from.",
                    parameter: "previous_response_id")
            }
            let refusal = gate.refusal(size, now: now)
            if let unfit {
                attempts.reject(index, unfit)
            } else if let refusal {
                refusals.add(refusal, of: index)
            } else {
                open.insert(index)
            }
            candidates.append(
                RoutingExplanation.Candidate(
                    index: index, deployment: target.deployment.key, model: target.model ?? request.model,
                    priority: target.priority, weight: target.weight, isFallback: !self.ranks.own.contains(index),
                    unfit: unfit, refusal: refusal, score: nil, breaker: gate.breaker.snapshot(now: now),
                    limits: gate.limits.filter { !$0.policy.isEmpty }.map { ($0.name, $0.headroom(now: now)) },
                    health: target.statistics.health(now: now), inFlight: target.statistics.inFlight))
        }
        for score in self.balancer.scores(
            of: self.targets, among: open.intersection(self.ranks.own), for: question)
        where candidates.indices.contains(score.index) {
            candidates[score.index].score = score
        }
        let maximum = min(
            self.options.maximumAttempts,
            max(1, self.options.maximumAttempts - max(0, context.request.clientRetryCount)))
        let order = self.order(attempts, open, question, maximum)
        let groupRefusal = self.gate?.refusal(size, now: now)
        var failure = groupRefusal?.error(now: now)
        if failure == nil, order.isEmpty {
            let run = Run(
                request: request, size: size, context: context, question: question, attempts: attempts,
                maximum: maximum, groupPermit: nil)
            failure = self.failure(run, refusals)
        }
        return RoutingExplanation(
            group: self.id, candidates: candidates, order: order, maximumAttempts: maximum, groupRefusal: groupRefusal,
            failure: failure)
    }

    /// Who would be asked after whom, each failing in a way that another may not.
    private func order(
        _ attempts: Attempts, _ open: TargetSet, _ question: RoutingQuestion, _ maximum: Int
    ) -> [Int] {
        var order: [Int] = []
        for rank in [Attempts.Rank.own, .fallback] {
            var set = attempts.candidates(rank, now: question.now).intersection(open)
            while order.count < maximum, let index = self.pick(set, question) {
                order.append(index)
                set.remove(index)
            }
        }
        return order
    }
}
