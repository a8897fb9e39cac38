public import Logging
public import NIOCore
public import NeedletailCore
public import NeedletailGateway
public import NeedletailProviders
public import NeedletailRouting
import NeedletailTransport

/// Everything between the listeners and the network, built from one configuration.
public struct GatewayStack: Sendable {
    /// Answers every request: observers, deadline, names, attempts, upstreams.
    public let provider: any Provider
    /// Which name leads where.
    public let directory: ModelDirectory
    /// What has been served.
    public let totals: UsageTotals
    /// What is known of each model at each provider.
    public let deployments: DeploymentTable
    /// Who is there.
    public let monitor: HealthMonitor
    /// What stands before the names.
    public let rules: RoutingRules
    /// Copies and shared calls.
    let traffic: GroupTraffic.Running
    private let time: TimeSource
    private let providers: [ProviderID]
    /// The providers, as they were built.
    let upstreams: [Upstreams.Entry]
    /// The groups, as they were built.
    let groups: Groups.Built
    /// Finds where requests go.
    private let router: ModelRouter
    private let keyLimits: LimitLayer?
    private let cancellations: JobCancellations
    private let responses: ResponseStore
    private let issuedState: IssuedStateTable
    /// What looks at content.
    let guards: Guards
    /// The replies that are kept; `nil` where there is no cache.
    public let cache: ResponseCache?
    /// What its models cost.
    let prices: PriceBook

    /// Builds the stack; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - localSpecs: What a start without a file looks for on this machine.
    ///   - models: Who answers in the place of providers, by name, in a simulation.
    ///   - previous: What serves now and goes on in this one: what it has counted and remembers, and every provider that
    ///     is told the same, with its connections, breakers, limits and statistics. It is not changed.
    ///   - jobs: Runs copies and shared calls.
    ///   - observation: Who hears of requests and attempts.
    ///   - budgets: Who is asked before each call upstream; `nil` for nobody.
    ///   - passing: The limits of keys that come and go; `nil` where there are none.
    ///   - keepContent: Keeps what was said, where that is configured.
    ///   - archive: Keeps cached replies, where that is configured.
    public init(
        _ configuration: Configuration,
        environment: [String: String],
        group: any EventLoopGroup,
        time: TimeSource,
        random: RandomSource,
        logger: Logger,
        localSpecs: [ProviderSpec] = ProviderSpec.all,
        models: [String: any Provider] = [:],
        previous: GatewayStack? = nil,
        jobs: TrafficJobs = TrafficJobs(),
        observation: Observation = Observation(),
        budgets: BudgetKeeper? = nil,
        keyLimits passing: KeyLimitTable? = nil,
        keepContent: (@Sendable (ContentRecord) -> Void)? = nil,
        archive: (any ReplyArchive)? = nil
    ) throws {
        let cancellations = previous?.cancellations ?? JobCancellations()
        self.cancellations = cancellations
        self.issuedState = previous?.issuedState ?? IssuedStateTable(time: time, random: random)
        let inherited = Dictionary(
            (previous?.upstreams ?? []).map { ($0.configuration.name, $0) }, uniquingKeysWith: { first, _ in first })
        var builder = Upstreams(
            inherited: inherited, cancellations: cancellations, group: group, environment: environment, time: time,
            logger: logger, issuedState: self.issuedState)
        builder.models = models
        let upstreams =
            try builder.build(configuration.providers)
            + builder.build(LocalProviders.candidates(configuration, environment: environment, among: localSpecs)).map {
                entry in
                var entry = entry
                entry.isOptional = true
                return entry
            }
        let unchanged = Set(
            upstreams.filter { inherited[$0.configuration.name]?.fingerprint == $0.fingerprint }.map(\.provider.id))
        let deployments =
            previous.map { DeploymentTable(inheriting: $0.deployments) { unchanged.contains($0.provider) } }
            ?? DeploymentTable()
        let totals = previous?.totals ?? UsageTotals()
        var observation = observation
        observation.observers.append(totals)
        let prices = PriceBook(configuration.prices, upstreams)
        self.prices = prices
        let traffic = GroupTraffic(jobs: jobs, time: time, random: random)
        let groups = Groups(
            upstreams: upstreams, configuration: configuration, time: time, random: random, deployments: deployments,
            prices: prices, budgets: budgets, observation: observation, traffic: traffic, inherited: previous?.groups)
        let (directory, built) = try groups.directory()
        let rules = try RulesBuilder(
            groups: groups, configuration: configuration, time: time, previous: previous?.rules
        ) {
            usage, provider, model in
            prices.price(provider: provider, model: model)?.cost(of: usage, at: time.wallSeconds())?.amount
        }.rules()
        // New with every configuration: the same name may lead elsewhere in the next.
        let cache = configuration.cache.map { options in
            let semantic = configuration.semanticCache.map { wanted in
                let embeddings = Embeddings(model: wanted.model, directory: directory, time: time)
                return SemanticCache(wanted.options, like: options, time: time) { await embeddings.vector($0, $1) }
            }
            return ResponseCache(options, semantic: semantic, archive: archive, time: time)
        }
        self.cache = cache
        // The longest of the providers' own limits holds for the whole request; each attempt has its own below it.
        let limit = upstreams.map(\.configuration.timeouts.total).max() ?? Timeouts().total
        let store = previous?.responses ?? ResponseStore(time: time)
        self.responses = store
        let keyLimits = Self.keyLimits(configuration, deployments.limits, now: time.now())
        let tenantLimits = Self.tenantLimits(configuration, deployments.limits, now: time.now())
        let router = ModelRouter(directory, rules: rules, time: time)
        self.router = router
        let isLimited = !keyLimits.isEmpty || !tenantLimits.isEmpty || passing != nil
        self.keyLimits =
            isLimited
            ? LimitLayer(router, keys: keyLimits, tenants: tenantLimits, passing: passing, time: time) : nil
        var stack = ProviderStackBuilder(router)
            .withObservation(observation, time: time)
        if let maximum = configuration.maximumInFlight { stack = stack.with { OverloadLayer($0, maximum: maximum) } }
        let guards = try Guards(
            configuration.privacy, group: group, time: time, random: random, logger: logger, previous: previous?.guards)
        self.guards = guards
        // Conversations are kept as the client knows them, and looked at when they are written out.
        stack = guards.added(to: stack.with { ResponseStoreLayer($0, store: store, random: random) })
        if let content = configuration.privacy.content, let keepContent {
            stack = stack.with { ContentLayer($0, scope: content.scope, keep: keepContent) }
        }
        stack = stack.with { CacheLayer($0, cache: cache, codec: DialectCacheCodec()) }
        if isLimited {
            stack = stack.with {
                LimitLayer($0, keys: keyLimits, tenants: tenantLimits, passing: passing, time: time)
            }
        }
        stack = stack.withDeadline(limit, time: time)
        // Stored keys, which come and go, may have such budgets too.
        if budgets != nil, passing != nil || configuration.budgets.contains(where: { $0.exhaustion != .refuse }) {
            stack = stack.with { BudgetExhaustionLayer($0, directory: directory, time: time) }
        }
        self.provider = stack.build()
        self.directory = directory
        self.rules = rules
        self.traffic = traffic.running
        self.totals = totals
        self.deployments = deployments
        self.time = time
        self.providers = upstreams.filter { !$0.isOptional }.map(\.provider.id)
        self.upstreams = upstreams
        self.groups = built
        if let previous { directory.takeLiveModels(from: previous.directory, of: unchanged) }
        self.monitor = HealthMonitor(
            upstreams.compactMap(Self.check), time: time, logger: logger,
            known: previous?.monitor.snapshot().filter { unchanged.contains($0.key) } ?? [:]
        ) { provider, models in directory.setLiveModels(models, of: provider) }
    }

    /// The scopes that each client key counts in: its own and its tenant's.
    private static func keyLimits(
        _ configuration: Configuration, _ table: LimitTable, now: Instant
    ) -> [String: [LimitScope]] {
        var limits: [String: [LimitScope]] = [:]
        for key in configuration.keys ?? [] {
            let tenant = key.tenant.map { ("tenant \($0)", configuration.tenants[$0] ?? LimitConfiguration()) }
            for (name, limit) in [tenant, ("key \(key.name)", key.limits)].compactMap({ $0 }) {
                let policy = LimitPolicy(limit)
                let scope = table.scope(name, policy, now: now)
                if !policy.isEmpty { limits[key.name, default: []].append(scope) }
            }
        }
        return limits
    }

    /// The scope of each tenant: keys that are made at run time count in it too.
    private static func tenantLimits(
        _ configuration: Configuration, _ table: LimitTable, now: Instant
    ) -> [String: LimitScope] {
        var limits: [String: LimitScope] = [:]
        for (tenant, limit) in configuration.tenants {
            let policy = LimitPolicy(limit)
            if !policy.isEmpty { limits[tenant] = table.scope("tenant \(tenant)", policy, now: now) }
        }
        return limits
    }

    private static func check(_ entry: Upstreams.Entry) -> HealthMonitor.Check? {
        guard let probe = entry.configuration.healthCheck, entry.model == nil else { return nil }
        let provider = entry.provider
        return HealthMonitor.Check(
            provider: provider.id,
            interval: probe.interval,
            timeout: probe.timeout,
            isOptional: entry.isOptional,
            listModels: { deadline throws(NeedletailError) in try await provider.listModels(deadline: deadline) }
        )
    }

    /// The models that a key with these globs may ask for; `nil` for all.
    public func models(allowed: [String]?) -> [ListedModel] {
        self.directory.models(allowed: allowed, routed: self.rules.modelNames)
    }

    /// What would become of a request now. Nobody is asked, and nothing changes by it.
    func explain(_ request: InferenceRequest, context: RequestContext) -> RequestExplanation {
        var explanation = self.router.explain(request, context: context)
        self.keyLimits?.explain(request, context, &explanation)
        return explanation
    }

    /// How the gateway is.
    public func health() -> HealthReport {
        let (now, wallSeconds) = (self.time.now(), self.time.wallSeconds())
        let checks = self.monitor.snapshot()
        var evidence: [ProviderID: [HealthAssessment.Evidence]] = [:]
        for deployment in self.deployments.all {
            evidence[deployment.key.provider, default: []].append(deployment.evidence(now: now))
        }
        // What was found on this machine is known by its checks alone.
        let names = Set(self.providers).union(checks.keys).sorted { $0.rawValue < $1.rawValue }
        return HealthAssessment.report(
            names.map { name in
                HealthAssessment.provider(
                    name.rawValue, check: checks[name], evidence[name] ?? [], now: now, wallSeconds: wallSeconds)
            })
    }

    /// Forgets an end user, in all that is kept in memory.
    ///
    /// - Parameter tenant: Only this tenant's user of that name; `nil` for all.
    /// - Returns: How many responses and cached replies that were.
    func forget(user: String, tenant: String?) -> (responses: Int, cached: Int) {
        (
            self.responses.erase(user: user, tenant: tenant),
            self.cache?.erase(user: user, tenant: tenant) ?? 0
        )
    }

    /// What goes on beside the requests, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.monitor.run() }
            group.addTask { await self.cancellations.run() }
        }
    }

    /// How long the end of the process waits for providers that are told to cancel jobs.
    private static let farewell = Duration.seconds(3)

    /// Closes the connections to the providers.
    public func shutdown() async {
        if !self.cancellations.isEmpty {
            await withTaskGroup(of: Void.self) { [cancellations = self.cancellations, time = self.time] group in
                group.addTask { await cancellations.flush() }
                group.addTask { try? await time.sleep(time.now().advanced(by: Self.farewell)) }
                await group.next()
                group.cancelAll()
            }
        }
        for entry in self.upstreams { for pool in entry.pools { await pool.shutdown() } }
        await self.guards.shutdown()
    }
}

extension Deployment {
    /// What health is judged by.
    fileprivate func evidence(now: Instant) -> HealthAssessment.Evidence {
        let state = self.statistics.snapshot()
        let isKnown = state.health.lastEvidence > Instant(nanoseconds: 0)
        return HealthAssessment.Evidence(
            score: self.statistics.health(now: now),
            errorRate: state.health.errorRate,
            latency: self.statistics.meanLatency.map { $0 / 1e6 },
            lastEvidence: isKnown ? state.health.lastEvidence : nil,
            lastSuccess: state.health.lastSuccess,
            circuit: HealthAssessment.Circuit(self.gate.breaker.snapshot(now: now))
        )
    }
}
