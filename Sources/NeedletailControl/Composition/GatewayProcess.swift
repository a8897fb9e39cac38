import Foundation
public import Logging
public import NIOCore
public import NIOPosix
public import NeedletailCore
import NeedletailGateway
import NeedletailRouting
public import ServiceLifecycle

/// A running gateway: the stack, its listeners, and what goes on beside the requests.
public final class GatewayProcess: Service {
    /// What a gateway needs of its surroundings.
    public struct Surroundings: Sendable {
        /// The environment variables.
        public var environment: [String: String]
        /// The event loops, for clients and upstreams alike.
        public var group: MultiThreadedEventLoopGroup
        /// The clock.
        public var time: TimeSource
        /// Randomness.
        public var random: RandomSource
        /// Where to log.
        public var logger: Logger
        /// The log that ``logger`` writes to, where it is this program's own: then requests have a line each.
        var log: LogOutput?

        /// Creates surroundings.
        public init(
            environment: [String: String],
            group: MultiThreadedEventLoopGroup,
            time: TimeSource = .live,
            random: RandomSource = .live,
            logger: Logger
        ) {
            self.environment = environment
            self.group = group
            self.time = time
            self.random = random
            self.logger = logger
        }
    }

    /// The addresses that were bound.
    public struct Addresses: Sendable {
        /// The client surfaces.
        public var api: SocketAddress
        /// The administration.
        public var admin: SocketAddress
    }

    /// What stands behind the listeners.
    public let stack: GatewayStack
    let telemetry: Telemetry
    private let group: MultiThreadedEventLoopGroup
    /// What outlives it.
    public let store: GatewayStore
    private let time: TimeSource
    /// Runs what answers several requests, or none.
    let jobs: TrafficJobs
    private let configuration: Configuration
    private let api: EdgeServer
    private let admin: EdgeServer
    private let logger: Logger

    /// Builds a gateway that does not listen yet.
    public init(_ configuration: Configuration, _ surroundings: Surroundings) throws {
        self.configuration = configuration
        self.logger = surroundings.logger
        self.time = surroundings.time
        let telemetry = try Telemetry(configuration.telemetry, surroundings)
        self.telemetry = telemetry
        let jobs = TrafficJobs()
        self.jobs = jobs
        let store = try GatewayStore(configuration, time: surroundings.time, logger: surroundings.logger)
        self.store = store
        var observation = telemetry.observation
        // What prices a call comes before what shows the price.
        observation.observers = store.observers + observation.observers
        let stack = try GatewayStack(
            configuration,
            environment: surroundings.environment,
            group: surroundings.group,
            time: surroundings.time,
            random: surroundings.random,
            logger: surroundings.logger,
            jobs: jobs,
            observation: observation,
            budgets: store.budgets
        )
        self.stack = stack
        let phase = ServingPhase()
        let listen = configuration.listen
        let services = GatewayServices(
            stack: stack.provider,
            listModels: { stack.directory.models(allowed: $0) },
            access: Self.access(configuration.keys, store.keys),
            routingHeaders: configuration.routingHeaders,
            health: { stack.health() }
        )
        self.api = EdgeServer(
            configuration: Self.edge(listen),
            handler: GatewayHandler(
                services: services,
                ids: RequestIDSource(RandomSource.Generator(.seeded(surroundings.random.next()))),
                phase: phase, observers: telemetry.observation.observers, time: surroundings.time,
                logger: surroundings.logger),
            group: surroundings.group,
            time: surroundings.time,
            logger: surroundings.logger,
            phase: phase
        )
        self.admin = EdgeServer(
            configuration: EdgeConfiguration(
                host: listen.admin.host,
                port: listen.admin.port,
                // A request to explain may hold images.
                limits: EdgeLimits(bodyBytes: listen.bodyLimit, connections: 256),
                tls: listen.admin.isLoopback ? nil : Self.tls(listen)),
            handler: AdminAPI(
                Self.rooms(
                    store, random: surroundings.random,
                    TrafficRoom(rules: { stack.rules }, traffic: { stack.traffic }),
                    levels: telemetry.levels ?? LogLevels(surroundings.logger.logLevel)),
                access: AdminAccess(configuration.admin, host: listen.admin.host, time: surroundings.time),
                rest: AdminHandler(
                    health: { stack.health() }, totals: { stack.totals.snapshot() },
                    metrics: { telemetry.metrics(accept: $0) }, phase: phase),
                logger: surroundings.logger),
            group: surroundings.group,
            time: surroundings.time,
            logger: surroundings.logger,
            phase: phase
        )
        self.collect()
    }

    /// Shows in the metrics what is known elsewhere.
    private func collect() {
        let (api, admin, stack, time) = (self.api, self.admin, self.stack, self.time)
        self.telemetry.registry.collect {
            [
                .gauge(
                    "needletail_connections", "Open connections of clients.",
                    [
                        (MetricLabels(["listener": "api"]), Double(api.openConnections)),
                        (MetricLabels(["listener": "admin"]), Double(admin.openConnections)),
                    ])
            ]
        }
        self.telemetry.registry.collect {
            DeploymentMetrics.read(stack.deployments.all, now: time.now())
                + HealthMetrics.read(stack.health())
        }
    }

    /// Who answers below `/admin/v1`.
    static func rooms(
        _ store: GatewayStore, random: RandomSource, _ traffic: TrafficRoom, levels: LogLevels = LogLevels(.info)
    ) -> [any AdminRoom] {
        [
            CallerRoom(), LogRoom(levels: levels), traffic, LedgerRoom(store), BudgetsRoom(store),
            KeysRoom(store, random: random),
        ]
    }

    private static func access(_ keys: [KeyConfiguration]?, _ stored: KeyRing?) -> AccessTable {
        guard let keys else { return AccessTable(stored: stored) }
        return AccessTable(
            keys.filter(\.isEnabled).map { key in
                AccessKey(
                    name: key.name, secret: key.secret.exposed, tenant: key.tenant,
                    models: key.models.contains("*") ? nil : key.models, priority: key.priority)
            }, stored: stored)
    }

    private static func edge(_ listen: ListenConfiguration) -> EdgeConfiguration {
        EdgeConfiguration(
            host: listen.api.host,
            port: listen.api.port,
            limits: EdgeLimits(bodyBytes: listen.bodyLimit),
            tls: Self.tls(listen),
            cors: listen.corsOrigins.isEmpty ? nil : CORSPolicy(allowedOrigins: Set(listen.corsOrigins))
        )
    }

    private static func tls(_ listen: ListenConfiguration) -> EdgeTLS? {
        listen.tls.map { EdgeTLS(certificateFile: $0.certificateFile, keyFile: $0.keyFile) }
    }

    /// Listens.
    public func start() async throws -> Addresses {
        let listen = self.configuration.listen
        let api = try await Self.listen(self.api, on: listen.api)
        do {
            return Addresses(api: api, admin: try await Self.listen(self.admin, on: listen.admin))
        } catch {
            await self.api.shutdown()
            throw error
        }
    }

    /// Starts a listener, with an error that names the address.
    static func listen(_ server: EdgeServer, on address: ListenAddress) async throws -> SocketAddress {
        do {
            return try await server.start()
        } catch let error as IOError {
            let reason = unsafe String(cString: strerror(error.errnoCode))
            throw NeedletailError(.unavailable, "Cannot listen on \(address): \(reason).", cause: error)
        }
    }

    /// Serves until a graceful shutdown has drained what runs, or the task is cancelled. ``start()`` comes first.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.stack.run() }
            group.addTask { await self.telemetry.run() }
            group.addTask { await self.jobs.run() }
            group.addTask { await self.store.run() }
            group.addTask {
                // Returns at a graceful shutdown and throws at cancellation: either way it is time to go.
                try? await gracefulShutdown()
                self.logger.info("Draining: no new connections are taken, running replies finish.")
                await self.drain()
            }
            await self.api.run()
            group.cancelAll()
        }
    }

    /// Stops listening, lets running replies finish within the limit, and closes everything.
    public func drain() async {
        // Copies answer nobody: nobody waits for them.
        self.jobs.copies.close()
        await self.api.drain(limit: self.configuration.listen.drain)
        await self.admin.shutdown()
        await self.stack.shutdown()
        await self.telemetry.shutdown()
        await self.store.close()
    }
}
