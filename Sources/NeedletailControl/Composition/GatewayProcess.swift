import Foundation
public import Logging
public import NIOCore
public import NIOPosix
public import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import NeedletailStore
public import ServiceLifecycle
import Synchronization

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
        /// Shows the operator, once, a line that nothing else may keep; `nil` where nobody would see it.
        public var showOnce: (@Sendable (String) -> Void)?
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
    public var stack: GatewayStack { self.running.current.stack }
    /// What serves, and how that changes.
    let running: RunningConfiguration
    /// Who answers below `/admin/v1`.
    let rooms: [any AdminRoom]
    let telemetry: Telemetry
    /// Tells when something is wrong.
    let alerts: AlertMonitor
    /// What outlives it.
    public let store: GatewayStore
    /// Keeps what groups have learned.
    private let memory: LearnedMemory
    /// Whose signed tokens are taken.
    let tokens: TokenService
    private let time: TimeSource
    /// Runs what answers several requests, or none.
    let jobs: TrafficJobs
    /// Where it listens.
    let listeners: Listeners
    private let logger: Logger

    /// Builds a gateway that does not listen yet.
    public init(_ configuration: Configuration, _ surroundings: Surroundings) throws {
        self.logger = surroundings.logger
        self.time = surroundings.time
        let telemetry = try Telemetry(configuration.telemetry, surroundings)
        self.telemetry = telemetry
        let jobs = TrafficJobs()
        self.jobs = jobs
        let store = try GatewayStore(configuration, time: surroundings.time, logger: surroundings.logger)
        self.store = store
        let tokens = TokenService(configuration, surroundings)
        self.tokens = tokens
        let signals = AlertSignals()
        let observation = { @Sendable (parts: Telemetry.Parts) in
            // What prices a call comes before what shows the price.
            telemetry.observation(of: parts, first: store.observers, last: [signals])
        }
        let keepContent: @Sendable (ContentRecord) -> Void = { [content = store.content] in content.keep($0) }
        // What serves first listens when it is started.
        let bind = Mutex<(@Sendable (ListenConfiguration) throws -> Listeners.Sockets)?>(nil)
        let build = { @Sendable (configuration: Configuration, previous: GatewayStack?) throws in
            let parts = try telemetry.prepare(configuration.telemetry)
            let stack = try GatewayStack(
                configuration,
                environment: surroundings.environment,
                group: surroundings.group,
                time: surroundings.time,
                random: surroundings.random,
                logger: surroundings.logger,
                previous: previous,
                jobs: jobs,
                observation: observation(parts),
                budgets: store.budgets,
                keyLimits: store.keys?.limits,
                keepContent: store.file == nil ? nil : keepContent,
                archive: store.replies?.archive(for: configuration)
            )
            return RunningConfiguration.Built(
                stack: stack, telemetry: parts,
                certificate: try Self.tls(configuration.listen).map { tls throws in try EdgeCertificate(tls) },
                sockets: try bind.withLock { $0 }?(configuration.listen) ?? Listeners.Sockets())
        }
        let running = RunningConfiguration(
            configuration,
            built: try build(configuration, nil),
            loader: ConfigurationLoader(types: .version, environment: surroundings.environment),
            time: surroundings.time,
            build: build
        )
        self.running = running
        let alerts = AlertMonitor(
            configuration.alerts, signals, .of(running, store), surroundings, log: surroundings.log)
        self.alerts = alerts
        self.memory = LearnedMemory(store, time: surroundings.time, logger: surroundings.logger) {
            running.current.stack.groups.allLearned
        }
        self.memory.restore()
        let phase = ServingPhase()
        let listen = configuration.listen
        let handler = GatewayHandler(
            services: Self.services(running.current, store.keys, tokens.current),
            ids: RequestIDSource(RandomSource.Generator(.seeded(surroundings.random.next()))),
            phase: phase, observers: observation(telemetry.current).observers, time: surroundings.time,
            logger: surroundings.logger)
        store.makeFirstAdminKey(configuration, isExposed: !listen.admin.isLoopback, surroundings)
        Self.note(running.current, in: store.audit)
        self.rooms = Self.rooms(running, store, telemetry, alerts, surroundings)
        let parts = AdminParts(rooms: self.rooms, running: running, telemetry: telemetry, store: store, tokens: tokens)
        let listeners = Listeners(
            listen,
            api: { Self.apiListener($0, running.current.configuration.listen, handler, phase, surroundings) },
            admin: { Self.adminListener($0, running.current.configuration.listen, parts, phase, surroundings) },
            logger: surroundings.logger)
        self.listeners = listeners
        bind.withLock { $0 = { try listeners.prepare($0) } }
        running.onSwap { current in
            store.replaceBudgets(current.configuration)
            store.content.replace(current.configuration.privacy.content)
            store.replies?.replace(current.configuration)
            tokens.replace(current.configuration)
            handler.replace(Self.services(current, store.keys, tokens.current))
            store.makeFirstAdminKey(
                current.configuration, isExposed: !current.configuration.listen.admin.isLoopback, surroundings)
            alerts.replace(current.configuration.alerts)
            telemetry.install(current.telemetry)
            listeners.install(current)
            Self.note(current, in: store.audit)
        }
        self.collect()
    }

    /// Shows in the metrics what is known elsewhere.
    private func collect() {
        let (listeners, running, time, store) = (self.listeners, self.running, self.time, self.store)
        let budgets = store.budgets
        self.telemetry.registry.collect {
            [
                .counter(
                    "needletail_budget_warnings", "Warnings that a budget is nearly spent.",
                    budgets.warnings.map { (MetricLabels(["budget": $0.budget]), $0.count) })
            ]
        }
        self.telemetry.registry.collect {
            [
                .gauge(
                    "needletail_connections", "Open connections of clients.",
                    [
                        (MetricLabels(["listener": "api"]), Double(listeners.api.openConnections)),
                        (MetricLabels(["listener": "admin"]), Double(listeners.admin.openConnections)),
                    ])
            ]
        }
        self.telemetry.registry.collect { [alerts = self.alerts] in AlertMetrics.read(alerts) }
        self.telemetry.registry.collect {
            let stack = running.current.stack
            let keys = (store.keys?.limits.scopes ?? []).prefix(running.current.configuration.telemetry.maximumSeries)
            return DeploymentMetrics.read(
                stack.deployments.all, scopes: stack.deployments.limits.all + keys, now: time.now())
                + HealthMetrics.read(stack.health()) + [stack.guards.reading]
                + store.contentReadings + (store.replies?.readings ?? [])
        }
    }

    /// Listens.
    public func start() async throws -> Addresses {
        await self.tokens.prepare()
        return try await self.listeners.start()
    }

    /// Serves until a graceful shutdown has drained what runs, or the task is cancelled. ``start()`` comes first.
    public func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.running.run() }
            group.addTask { await self.running.watchFile { self.report($0) } }
            group.addTask { await self.telemetry.run() }
            group.addTask { await self.alerts.run() }
            group.addTask { await self.jobs.run() }
            group.addTask { await self.store.run() }
            group.addTask { await self.memory.run() }
            group.addTask { await self.followVault() }
            group.addTask { await self.tokens.run() }
            group.addTask { await self.listeners.run { self.running.current.configuration.listen.drain } }
            // Returns at a graceful shutdown and throws at cancellation: either way it is time to go. Not in a task of the
            // group, which is cancelled while the last is still to be sent and written.
            try? await gracefulShutdown()
            self.logger.info("Draining: no new connections are taken, running replies finish.")
            await self.stopServing()
            group.cancelAll()
            await self.finish()
        }
    }

    /// Reads the configuration again and lets it serve, whole or not at all.
    func reload(_ trigger: String) {
        // Nothing is asked of the version, so nothing is thrown.
        if let attempt = try? self.running.reload(trigger) { self.report(attempt) }
    }

    /// Lets what another process has set in the vault be used, and what has ended be used no more.
    private func followVault() async {
        guard let file = self.store.file else { return }
        var follower = VaultFollower()
        while !Task.isCancelled {
            if !self.running.current.configuration.vaultNames.isEmpty,
                let contents = try? await self.store.perform({ () throws(NeedletailError) in try file.vault() }),
                follower.hasChanged(contents, now: self.time.wallSeconds())
            {
                let attempt = self.running.refreshSecrets("vault")
                if follower.isNews(attempt.faults) { self.report(attempt) }
            }
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(1))) } catch { return }
        }
    }

    /// Takes note of what serves from now on, and of the credentials that it was given.
    private static func note(_ current: RunningConfiguration.Current, in audit: AuditTrail?) {
        guard let audit else { return }
        audit.note(
            "config.serves", by: "gateway", subject: current.loaded.text.path ?? "",
            details: ["version": current.version.value, "changes": "\(current.loaded.overlay.changes.count)"])
        let names = current.configuration.vaultNames
        guard !names.isEmpty else { return }
        audit.note("vault.read", by: "gateway", subject: String(names.joined(separator: " ").prefix(1_000)))
    }

    private func report(_ attempt: RunningConfiguration.Attempt) {
        self.store.audit?.note(
            "config.load", by: attempt.trigger, attempt.faults.isEmpty ? .done : .failed,
            details: ["version": attempt.version?.value ?? "", "faults": "\(attempt.faults.count)"])
        var metadata: Logger.Metadata = [
            "needletail.trigger": "\(attempt.trigger)", "needletail.version": "\(attempt.version?.value ?? "unknown")",
        ]
        guard attempt.faults.isEmpty else {
            for fault in attempt.faults { self.logger.error("\(fault)") }
            return self.logger.error("The configuration cannot be used; the one before serves on.", metadata: metadata)
        }
        if !attempt.restartNeeded.isEmpty {
            metadata["needletail.restart_needed"] = "\(attempt.restartNeeded.joined(separator: " "))"
        }
        self.logger.notice("A new configuration serves.", metadata: metadata)
    }

    /// Stops listening, lets running replies finish within the limit, and closes everything.
    public func drain() async {
        await self.stopServing()
        await self.finish()
    }

    /// Stops listening and lets running replies finish within the limit.
    private func stopServing() async {
        // Copies answer nobody: nobody waits for them.
        self.jobs.copies.close()
        // Who reads along hears of the end now, and holds nothing up.
        self.telemetry.recent.news.close()
        await self.listeners.drain(limit: self.running.current.configuration.listen.drain)
    }

    /// Sends and writes what is left, and closes everything.
    private func finish() async {
        await self.stack.shutdown()
        await self.alerts.shutdown()
        await self.telemetry.shutdown()
        try? await self.memory.save()
        await self.store.close()
    }
}
