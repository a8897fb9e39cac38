import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// Builds routers and the directory of names from the configured groups.
struct Groups {
    let upstreams: [Upstreams.Entry]
    let configuration: Configuration
    let time: TimeSource
    let random: RandomSource
    /// What is known of each model at each provider, shared by all groups.
    let deployments: DeploymentTable
    let prices: PriceBook
    var budgets: BudgetKeeper?
    var observation = Observation()
    /// What goes around whole groups.
    let traffic: GroupTraffic

    /// What served before: its groups go on, with what they have learned, as long as no group and no provider is another.
    var inherited: Built?

    /// The groups by name, the default group under none, and what they were built from.
    struct Built {
        fileprivate var fingerprint: Fingerprint
        fileprivate var groups: [String: ModelDirectory.Group] = [:]
        /// Those that learn, by the group that is asked.
        fileprivate var learned: [String: [LearnedGroup]] = [:]

        /// All that learn.
        var allLearned: [LearnedGroup] { self.learned.values.flatMap(\.self) }
    }

    func directory() throws(NeedletailError) -> (directory: ModelDirectory, built: Built) {
        var built = Built(fingerprint: self.fingerprint)
        let inherited = self.inherited.flatMap { $0.fingerprint == built.fingerprint ? $0.groups : nil } ?? [:]
        let all = self.configuration.groups + [self.configuration.defaultGroup].compactMap { $0 }
        for group in all where group.isEnabled {
            let parts = self.parts(of: group)
            // Made in any case: that is what makes its deployments known to the new table.
            let made = ModelDirectory.Group(
                router: try self.traffic.around(group, self, parts), restricted: try self.restricted(group, parts))
            // What is around a group counts for the configuration that it belongs to.
            let isPlain = group.shadow == nil && !group.coalesces
            let before = self.inherited?.learned[group.name] ?? []
            if isPlain, let same = inherited[group.name] {
                built.groups[group.name] = same
                built.learned[group.name] = before
            } else {
                built.groups[group.name] = made
                built.learned[group.name] = parts.learned
                for new in parts.learned {
                    // What one has written another reads.
                    if let old = before.first(where: { $0.name == new.name }) { try new.restore(old.memory) }
                }
            }
        }
        var named: [String: ModelDirectory.Upstream] = [:]
        for entry in self.upstreams {
            named[entry.configuration.name] = ModelDirectory.Upstream(
                router: self.router(
                    ProviderID(entry.configuration.name), [self.target(entry)], .priority, FallbackTargets(),
                    RouterOptions(maximumAttempts: entry.configuration.retry.maxAttempts)),
                models: entry.configuration.models,
                modelPrefixes: entry.spec.modelPrefixes,
                answersAnyModel: entry.spec.isMock,
                isOptional: entry.isOptional
            )
        }
        let directory = ModelDirectory(
            groups: built.groups.filter { !$0.key.isEmpty }, upstreams: named,
            defaultGroup: built.groups[""]?.router)
        return (directory, built)
    }

    /// The sections of a configuration that no group is built from.
    private static let sections: Set<String> = [
        "origin", "listen", "experiments", "routes", "keys", "cache", "semanticCache", "store", "telemetry", "alerts",
        "admin", "warnings", "loaded",
    ]

    /// Everything that groups are built from.
    private var fingerprint: Fingerprint {
        // What calls tell is fixed where they are made.
        let told = [
            "\(self.configuration.telemetry.propagatesTrace)", "\(self.configuration.telemetry.maximumSeries)",
        ]
        return Fingerprint(
            self.upstreams.map(\.fingerprint)
                + [Fingerprint(of: self.configuration, except: Self.sections, and: told)])
    }

    /// Who answers for a group, with nothing around.
    ///
    /// - Parameters:
    ///   - tier: Of which tier of the group this is; `nil` for the whole.
    ///   - parts: What it has in common with other routers of the group.
    func router(
        _ group: GroupConfiguration, tier: TierRouter.Tier? = nil, _ parts: GroupParts
    ) throws(NeedletailError) -> any Provider {
        if let tiers = group.tiers { return try self.tiers(tiers, of: group, parts) }
        let layout = self.layout(group)
        let router = self.router(
            ProviderID(group.name.isEmpty ? "default" : group.name), try self.targets(group), layout.balancer,
            try self.fallbacks(group), self.options(group), parts.budgets)
        for (path, balancer) in layout.learned {
            let name = path.joined(separator: " > ") + (tier.map { " (\($0.rawValue))" } ?? "")
            parts.learned.append(LearnedGroup(name: name, balancer: balancer, targets: router.targets))
        }
        return Self.continuing(router, group, self.time)
    }

    /// Lets a group's streams go on elsewhere, where the group says so.
    private static func continuing(
        _ router: any Provider, _ group: GroupConfiguration, _ time: TimeSource
    ) -> any Provider {
        guard group.midStream == .continue else { return router }
        return ContinuationLayer(router, dialects: { $0.dialect }, time: time)
    }

    private func options(_ group: GroupConfiguration) -> RouterOptions {
        var limits: [LimitScope] = []
        let policy = LimitPolicy(group.limits)
        let name = "model \(group.name.isEmpty ? "default" : group.name)"
        let scope = self.deployments.limits.scope(name, policy, now: self.time.now())
        if !policy.isEmpty { limits.append(scope) }
        var options = RouterOptions(
            maximumAttempts: group.maxAttempts, retryBudget: group.retryBudget, queue: group.queue, hedge: group.hedge,
            limits: limits, waiting: self.observation.waiting)
        if group.midStream != .never { options.midStream = MidStreamPolicy(.restart) }
        return options
    }

    private func fallbacks(_ group: GroupConfiguration) throws(NeedletailError) -> FallbackTargets {
        FallbackTargets(
            any: try self.targets(group.fallbacks, of: group),
            contextWindow: try self.targets([group.contextWindowFallback].compactMap { $0 }, of: group),
            contentFilter: try self.targets([group.contentFilterFallback].compactMap { $0 }, of: group))
    }

    private func targets(
        _ targets: [TargetConfiguration], of group: GroupConfiguration
    ) throws(NeedletailError) -> [Target] {
        var other = group
        other.targets = targets
        return try self.targets(other)
    }

    private func router(
        _ id: ProviderID,
        _ targets: [Target],
        _ balancer: any Balancer,
        _ fallbacks: FallbackTargets,
        _ options: RouterOptions,
        _ budgets: RouterBudgets? = nil
    ) -> Router {
        Router(
            id: id, targets: targets, balancer: balancer, fallbacks: fallbacks, options: options, budgets: budgets,
            time: self.time, random: self.random)
    }

    private func parts(of group: GroupConfiguration) -> GroupParts {
        GroupParts(
            RouterBudgets(
                retries: group.retryBudget, hedge: group.hedge, waiting: group.queue.size, now: self.time.now()))
    }

    private func tiers(
        _ tiers: TiersConfiguration, of group: GroupConfiguration, _ parts: GroupParts
    ) throws(NeedletailError) -> any Provider {
        var routers: [TierRouter.Tier: any Provider] = [:]
        for (tier, targets) in tiers.targets {
            var part = group
            part.tiers = nil
            part.targets = targets
            routers[tier] = try self.router(part, tier: tier, parts)
        }
        let id = ProviderID(group.name.isEmpty ? "default" : group.name)
        if let router = TierRouter(
            id: id, tiers: routers, thresholds: tiers.thresholds, weights: tiers.weights)
        {
            return router
        }
        var empty = group
        empty.tiers = nil
        return try self.router(empty, parts)
    }

    /// Who answers at a destination, with nothing around; `nil` if it is switched off.
    func router(to destination: TargetConfiguration.Destination) throws(NeedletailError) -> (any Provider)? {
        switch destination {
        case .group(let name):
            guard let group = self.configuration.group(name), group.isEnabled else { return nil }
            // A copy's group learns for itself and forgets at the end, and has budgets of its own.
            return try self.router(group, self.parts(of: group))
        case .provider(let name, let model):
            guard let entry = self.upstreams.first(where: { $0.configuration.name == name }) else { return nil }
            return self.router(
                ProviderID(name), [self.target(entry, model: model)], .priority, FallbackTargets(),
                RouterOptions(maximumAttempts: entry.configuration.retry.maxAttempts))
        }
    }

    /// The group narrowed to the targets that serve one model: for `group/model`.
    private func restricted(
        _ group: GroupConfiguration, _ parts: GroupParts
    ) throws(NeedletailError) -> @Sendable (String) -> (any Provider)? {
        var whole = group
        whole.targets += TierRouter.Tier.allCases.flatMap { group.tiers?.targets[$0] ?? [] }
        // A narrowed group is asked in the order of its list, whatever its strategy.
        let router = self.router(
            ProviderID(group.name), try self.targets(whole), .priority, try self.fallbacks(group), self.options(group),
            parts.budgets)
        let time = self.time
        return { model in
            router.narrowed(to: { $0.model == nil || $0.model == model }).map { Self.continuing($0, group, time) }
        }
    }

    private func layout(_ group: GroupConfiguration) -> GroupLayout {
        GroupLayout(
            group, of: self.configuration,
            providers: Dictionary(
                self.upstreams.map { ($0.configuration.name, $0.configuration) },
                uniquingKeysWith: { first, _ in first }))
    }

    /// The targets of a group, those of groups inside it in their place: one loop counts all attempts, by the rules of the
    /// outermost group.
    private func targets(_ group: GroupConfiguration) throws(NeedletailError) -> [Target] {
        let targets = self.layout(group).places.compactMap { place in
            self.upstreams.first { $0.configuration.name == place.provider }
                .map { self.target($0, place, contract: group.contract) }
        }
        guard targets.count <= TargetSet.capacity else {
            throw NeedletailError(
                .internalFailure,
                "The group '\(group.name)' has \(targets.count) targets; at most \(TargetSet.capacity) are possible.")
        }
        return targets
    }

    /// - Parameter place: How a group uses it; `nil` for the provider asked by itself.
    private func target(
        _ entry: Upstreams.Entry,
        _ place: GroupLayout.Place? = nil,
        model: String? = nil,
        contract: ReplyContract = ReplyContract()
    ) -> Target {
        let model = place?.model ?? model
        let retry = entry.configuration.retry
        let deployment = self.deployment(entry, model)
        let leaf = entry.provider
        let (id, prices) = (entry.provider.id, self.prices)
        var provider: any Provider = MeteringLayer(
            entry.leaf,
            tariff: MeteringLayer.Tariff(
                model: { prices.model($0, at: id) }, unknown: self.configuration.prices.unknown.tariff),
            budgets: self.budgets, decoders: { $0.dialect.makeStreamDecoder() }, time: self.time)
        if let bounds = entry.configuration.adaptiveTimeout {
            provider = AdaptiveTimeoutLayer(provider, deployment.adaptiveTimeout, bounds, time: self.time)
        }
        // Outside the meter: what breaks the contract has been paid nevertheless.
        if !contract.isEmpty { provider = ReplyContractLayer(provider, contract, dialects: { $0.dialect }) }
        provider = AttemptObservationLayer(provider, self.observation, time: self.time)
        if entry.configuration.drainsOnDisconnect { provider = DrainLayer(provider, runner: self.traffic.calls) }
        return Target(
            provider,
            model: model,
            dialect: place?.target.api,
            priority: place?.priority ?? entry.configuration.priority,
            weight: place?.weight ?? entry.configuration.weight,
            retry: RetryPolicy(
                maximumAttempts: retry.maxAttempts,
                backoff: Backoff(
                    base: retry.baseDelay, factor: retry.backoffFactor, maximum: retry.maxDelay, hasJitter: retry.jitter
                )
            ),
            deployment: deployment,
            price: TargetPrice { model, input, output in
                prices.model(model, at: id).price?.expected(inputTokens: input, outputTokens: output)
            },
            judge: { request, model in leaf.refusal(of: request, model: model) }
        )
    }

    /// What is known of a model at a provider, under the breaker and the limits of this configuration. The provider's
    /// limits are shared by all its models.
    private func deployment(_ entry: Upstreams.Entry, _ model: String?) -> Deployment {
        let configuration = entry.configuration
        let now = self.time.now()
        let table = self.deployments.limits
        let wall = self.time.wallSeconds
        let observe: @Sendable (InferenceReply, Instant) -> ObservedLimits? = { reply, now in
            RateLimitHeaders.told(reply.headers, wallSeconds: wall()).map { told in
                ObservedLimits(
                    requestsPerMinute: told.requestsPerMinute, tokensPerMinute: told.tokensPerMinute,
                    usedUpUntil: told.untilReset.map { now.advanced(by: $0) })
            }
        }
        let shared = table.scope(
            "provider \(configuration.name)", LimitPolicy(configuration.limits), now: now, observe: observe)
        var scopes = [shared]
        if let model {
            let limits = configuration.modelLimits[model] ?? LimitConfiguration()
            scopes.append(
                table.scope(
                    "deployment \(configuration.name)/\(model)", LimitPolicy(limits), now: now, observe: observe))
        }
        let policy = configuration.circuitBreaker.map { CircuitBreakerPolicy($0) }
        let made = scopes
        let deployment = self.deployments.deployment(entry.provider.id, model) {
            AdmissionGate(breaker: CircuitBreaker(policy), limits: made, rests: model == nil ? .eachModel : .whole)
        }
        deployment.gate.breaker.adopt(policy)
        return deployment
    }
}
