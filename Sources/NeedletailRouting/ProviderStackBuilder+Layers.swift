public import NeedletailCore

/// The layers by name. Whoever wants all of them adds them in this order: observation, load shedding, cache, key limits,
/// deadline, coalescing and shadow, retry, circuit breaker, rate limit, metering, timeout.
extension ProviderStackBuilder {
    // MARK: Once for each request

    /// Counts requests, tokens and failures in `totals`; ``UsageTotals/snapshot()`` has them.
    public func withMetrics(_ totals: UsageTotals, time: TimeSource = .live) -> Self {
        self.withObservation(Observation([totals]), time: time)
    }

    /// Begins a span for each request and tells `observers` of it at its end.
    ///
    /// - Parameter spans: For example ``TracerSpans``.
    public func withTracing(
        _ spans: any SpanMaker, observers: [any RequestObserver] = [], time: TimeSource = .live
    ) -> Self {
        self.withObservation(Observation(observers, spans: spans), time: time)
    }

    /// Refuses requests beyond `maximum` at a time, those of low priority first.
    public func withLoadShedding(maximum: Int) -> Self {
        self.with { OverloadLayer($0, maximum: maximum) }
    }

    /// Answers equal requests from `cache`.
    ///
    /// - Parameter codec: How requests are compared and replies are given again.
    public func withCache(_ cache: ResponseCache, codec: any CacheCodec) -> Self {
        self.with { CacheLayer($0, cache: cache, codec: codec) }
    }

    /// Holds each client key to its limits, by the key's name (``RequestInfo/keyName``).
    public func withKeyLimits(_ keys: [String: [LimitScope]], time: TimeSource = .live) -> Self {
        self.with { LimitLayer($0, keys: keys, time: time) }
    }

    /// Keeps Responses-API replies, so that a later request may go on from them.
    public func withResponseStore(_ store: ResponseStore, random: RandomSource = .live) -> Self {
        self.with { ResponseStoreLayer($0, store: store, random: random) }
    }

    /// Answers equal requests that are under way at the same time from one call.
    public func withCoalescing(_ flights: FlightTable, time: TimeSource = .live) -> Self {
        self.with { CoalescingLayer($0, flights: flights, time: time) }
    }

    /// Sends copies of some requests elsewhere, and compares.
    public func withShadow(_ shadow: ShadowTraffic) -> Self {
        self.with { ShadowLayer($0, shadow: shadow) }
    }

    /// Lets streams that break go on from where they were, by what is tried again inside.
    ///
    /// - Parameter dialects: The dialect of an id.
    public func withContinuation(
        dialects: @escaping @Sendable (DialectID) -> any Dialect.Type, time: TimeSource = .live
    ) -> Self {
        self.with { ContinuationLayer($0, dialects: dialects, time: time) }
    }

    /// Tries again what failed, after a pause. For a choice of several providers use a ``FailoverGroup``, which has this.
    ///
    /// - Parameters:
    ///   - policy: How often and how soon.
    ///   - budget: How many attempts beyond the first all requests together may make; `nil` for no bound.
    public func withRetry(
        _ policy: RetryPolicy = RetryPolicy(),
        budget: RetryBudgetPolicy? = RetryBudgetPolicy(),
        time: TimeSource = .live,
        random: RandomSource = .live
    ) -> Self {
        self.with { next in
            let deployment = Deployment(
                Deployment.Key(provider: next.id, model: nil), gate: AdmissionGate(breaker: CircuitBreaker(nil)))
            return Router(
                id: next.id, targets: [Target(next, retry: policy, deployment: deployment)], balancer: .priority,
                options: RouterOptions(maximumAttempts: policy.maximumAttempts, retryBudget: budget), time: time,
                random: random)
        }
    }

    // MARK: Once for each attempt

    /// Stops calling what fails again and again, and probes it after a while.
    ///
    /// - Parameter breaker: Keep it to see and reset its state.
    public func withCircuitBreaker(
        _ breaker: CircuitBreaker = CircuitBreaker(), time: TimeSource = .live, random: RandomSource = .live
    ) -> Self {
        // An instance for each build would forget what the last one saw.
        let gate = AdmissionGate(breaker: breaker)
        return self.with { GateLayer($0, gate: gate, time: time, random: random) }
    }

    /// Holds calls to a rate, a number at a time, or both. Who is over it is told when to come again.
    ///
    /// - Parameter name: Whose limit it is, for messages: `provider openai`.
    public func withRateLimit(
        _ policy: LimitPolicy, name: String? = nil, time: TimeSource = .live, random: RandomSource = .live
    ) -> Self {
        let scope = LimitScope(name ?? "provider \(self.base.id)", policy, now: time.now())
        let gate = AdmissionGate(breaker: CircuitBreaker(nil), limits: [scope], rests: .none)
        return self.with { GateLayer($0, gate: gate, time: time, random: random) }
    }

    /// Gives each call so long; inside ``withRetry(_:budget:time:random:)`` each attempt.
    public func withTimeout(_ limit: Duration, time: TimeSource = .live) -> Self {
        self.withDeadline(limit, time: time)
    }

    /// Gives up waiting for a stream's first event when it takes far longer than usual.
    public func withAdaptiveTimeout(
        _ bounds: AdaptiveTimeoutState.Bounds, learning timeout: AdaptiveTimeout, time: TimeSource = .live
    ) -> Self {
        self.with { AdaptiveTimeoutLayer($0, timeout, bounds, time: time) }
    }

    /// Says what each call costs, and asks `budgets` before it is made.
    ///
    /// - Parameters:
    ///   - tariff: What it costs.
    ///   - budgets: Who is asked; `nil` counts costs only.
    public func withBudgets(
        _ budgets: BudgetKeeper?, tariff: MeteringLayer.Tariff, time: TimeSource = .live
    ) -> Self {
        self.with { MeteringLayer($0, tariff: tariff, budgets: budgets, time: time) }
    }

    /// Counts an answer that breaks `contract` as a failure, so that another may follow.
    ///
    /// - Parameter dialects: The dialect of an id.
    public func withReplyContract(
        _ contract: ReplyContract, dialects: @escaping @Sendable (DialectID) -> any Dialect.Type
    ) -> Self {
        self.with { ReplyContractLayer($0, contract, dialects: dialects) }
    }

    /// Tells observers of every attempt.
    public func withAttemptObservation(_ observation: Observation, time: TimeSource = .live) -> Self {
        self.with { AttemptObservationLayer($0, observation, time: time) }
    }
}
