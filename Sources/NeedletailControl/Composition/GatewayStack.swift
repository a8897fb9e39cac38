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
    private let pools: [UpstreamPool]
    private let cancellations: JobCancellations

    /// Builds the stack; nothing is connected yet.
    ///
    /// - Parameters:
    ///   - localSpecs: What a start without a file looks for on this machine.
    ///   - responses: What earlier stacks remember of responses; `nil` for nothing.
    ///   - deployments: What earlier stacks know of models at providers; `nil` for nothing.
    ///   - issuedState: What earlier stacks remember of who issued what; `nil` for nothing.
    ///   - observers: Who hears of requests and attempts, in this order.
    public init(
        _ configuration: Configuration,
        environment: [String: String],
        group: any EventLoopGroup,
        time: TimeSource,
        random: RandomSource,
        logger: Logger,
        localSpecs: [ProviderSpec] = ProviderSpec.all,
        responses: ResponseStore? = nil,
        deployments: DeploymentTable? = nil,
        issuedState: IssuedStateTable? = nil,
        observers: [any RequestObserver] = []
    ) throws {
        let cancellations = JobCancellations()
        self.cancellations = cancellations
        let builder = Upstreams(
            cancellations: cancellations, group: group, environment: environment, time: time, logger: logger,
            issuedState: issuedState ?? IssuedStateTable(time: time, random: random))
        let upstreams =
            try builder.build(configuration.providers)
            + builder.build(LocalProviders.candidates(configuration, environment: environment, among: localSpecs)).map {
                entry in
                var entry = entry
                entry.isOptional = true
                return entry
            }
        let deployments = deployments ?? DeploymentTable()
        let totals = UsageTotals()
        let observers = observers + [totals]
        let directory = try Groups(
            upstreams: upstreams, configuration: configuration, time: time, random: random, deployments: deployments,
            prices: PriceBook(configuration.prices, upstreams), observers: observers
        ).directory()
        // The longest of the providers' own limits holds for the whole request; each attempt has its own below it.
        let limit = upstreams.map(\.configuration.timeouts.total).max() ?? Timeouts().total
        let store = responses ?? ResponseStore(time: time)
        self.provider = ProviderStackBuilder(ModelRouter(directory))
            .withObservers(observers, time: time)
            .with { ResponseStoreLayer($0, store: store, random: random) }
            .withDeadline(limit, time: time)
            .build()
        self.directory = directory
        self.deployments = deployments
        self.totals = totals
        self.pools = upstreams.flatMap(\.pools)
        self.monitor = HealthMonitor(
            upstreams.compactMap(Self.check), time: time, logger: logger
        ) { provider, models in directory.setLiveModels(models, of: provider) }
    }

    private static func check(_ entry: Upstreams.Entry) -> HealthMonitor.Check? {
        guard let probe = entry.configuration.healthCheck else { return nil }
        let provider = entry.provider
        return HealthMonitor.Check(
            provider: provider.id,
            interval: probe.interval,
            timeout: probe.timeout,
            isOptional: entry.isOptional,
            listModels: { deadline throws(NeedletailError) in try await provider.listModels(deadline: deadline) }
        )
    }

    /// How the gateway is.
    public func health() -> HealthReport {
        let entries = self.monitor.snapshot().sorted { $0.key.rawValue < $1.key.rawValue }
        let failing = entries.filter { $0.value.isHealthy == false }.count
        // A failing check takes nothing out of service by itself: the gateway can still answer.
        let status = failing == 0 ? "healthy" : failing < entries.count ? "degraded" : "unhealthy"
        return HealthReport(
            isHealthy: true,
            status: status,
            providers: entries.map { id, status in
                ProviderHealth(
                    name: id.rawValue,
                    isHealthy: status.isHealthy ?? true,
                    healthScore: status.isHealthy == false ? 0 : 1,
                    lastSuccess: status.lastSuccess
                )
            }
        )
    }

    /// What goes on beside the requests, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.monitor.run() }
            group.addTask { await self.cancellations.run() }
        }
    }

    /// Closes the connections to the providers.
    public func shutdown() async {
        await self.cancellations.flush()
        for pool in self.pools { await pool.shutdown() }
    }
}
