public import NeedletailCore

extension Router: ExplainingProvider {
    /// Says what would become of a request now; see ``RoutingExplanation``.
    public func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation? {
        let now = self.time.now()
        var explanation = RoutingExplanation(
            group: self.id, time: now, tier: nil, candidates: [], order: [],
            maximumAttempts: self.options.maximumAttempts,
            limits: self.options.limits.compactMap { $0.explained(now: now) },
            groupRefusal: self.gate?.refusal(RequestSize(request), now: now), waits: false, failure: nil)
        if request.operation == .chat, request.isStreaming { explanation.midStream = self.options.midStream }
        explanation.candidates = self.targets.indices.compactMap { self.candidate($0, request, context, now) }
        do throws(NeedletailError) {
            let run = try self.prepared(request, context, now)
            run.question.isPeek = true
            self.plan(run, &explanation)
        } catch {
            explanation.failure = error
        }
        if let refusal = explanation.groupRefusal {
            (explanation.order, explanation.waits) = ([], false)
            explanation.failure = refusal.error(now: now)
        }
        return explanation
    }

    private func candidate(
        _ index: Int, _ request: InferenceRequest, _ context: RequestContext, _ now: Instant
    ) -> RoutingExplanation.Candidate? {
        guard let role = self.ranks.role(of: index) else { return nil }
        let target = self.targets[index]
        let gate = target.deployment.gate
        let model = target.model ?? request.model
        var unfit = target.judge?(request, model)
        if let allowed = context.request.allowedProviders, !Self.isAllowed(target, allowed) {
            unfit = NeedletailError(.forbidden, "The key may not use this provider.")
        }
        if let pin = request.pin, target.provider.id != pin {
            unfit = NeedletailError(
                .unsupported, "Another provider keeps what the request goes on from.",
                parameter: "previous_response_id")
        }
        return RoutingExplanation.Candidate(
            index: index, deployment: target.deployment.key, model: model, role: role, priority: target.priority,
            weight: target.weight,
            cost: target.price?.quote(
                model, request.estimatedInputTokens, request.maxOutputTokens ?? CostOptimalBalancer.usualOutput),
            unfit: unfit, refusal: gate.refusal(RequestSize(request), model: model, now: now), score: nil,
            breaker: gate.breaker.snapshot(now: now), limits: gate.limits.compactMap { $0.explained(now: now) },
            health: target.statistics.health(now: now), inFlight: target.statistics.inFlight)
    }

    /// Who would be asked after whom, each failing in a way that another may not; as ``choose(_:_:ranks:)`` finds them.
    private func plan(_ run: Run, _ explanation: inout RoutingExplanation) {
        explanation.maximumAttempts = run.maximum
        var refusals = Refusals()
        for rank in [Attempts.Rank.own, .fallback] {
            var set = run.attempts.candidates(rank, now: run.question.now)
            self.judge(&set, run)
            self.sift(&set, run.size, of: run.request.model, run.question.now, &refusals)
            if rank == .own { self.rate(set, run, &explanation) }
            while explanation.order.count < run.maximum, let index = self.pick(set, run.question) {
                explanation.order.append(index)
                set.remove(index)
            }
        }
        if let queue = self.queue, queue.isBehind(run.context.request.priority) {
            explanation.waits = true
        } else if explanation.order.isEmpty {
            explanation.waits =
                self.wake(run, refusals) != nil || self.queue != nil && self.isWorthWaiting(refusals, run)
            if !explanation.waits { explanation.failure = self.failure(run, refusals) }
        }
    }

    private func rate(_ set: TargetSet, _ run: Run, _ explanation: inout RoutingExplanation) {
        var question = run.question
        // Draws of its own: those of the request are for its choices.
        question.random = .seeded(run.context.draw ?? 0)
        for score in self.balancer.scores(of: self.targets, among: set, for: question) {
            guard let place = explanation.candidates.firstIndex(where: { $0.index == score.index }) else { continue }
            explanation.candidates[place].score = score
        }
    }
}

extension TierRouter: ExplainingProvider {
    /// What the tier's own router would do.
    public func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation? {
        let tier = self.explain(request)
        var explanation = (self.provider(tier.tier) as? any ExplainingProvider)?
            .explanation(of: request, context: context)
        explanation?.tier = tier
        return explanation
    }
}

extension CoalescingLayer: ExplainingProvider {
    /// What the wrapped provider would do.
    public func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation? {
        (self.next as? any ExplainingProvider)?.explanation(of: request, context: context)
    }
}

extension ContinuationLayer: ExplainingProvider {
    /// What the wrapped provider would do, and what becomes of its stream.
    public func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation? {
        var explanation = (self.next as? any ExplainingProvider)?.explanation(of: request, context: context)
        if explanation?.midStream != nil { explanation?.midStream = MidStreamPolicy(continuing: request) }
        return explanation
    }
}

extension ShadowLayer: ExplainingProvider {
    /// What the wrapped provider would do.
    public func explanation(of request: InferenceRequest, context: RequestContext) -> RoutingExplanation? {
        (self.next as? any ExplainingProvider)?.explanation(of: request, context: context)
    }
}
