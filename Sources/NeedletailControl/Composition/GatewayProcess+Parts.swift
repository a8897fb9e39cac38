import Logging
import NeedletailCore
import NeedletailGateway
import NeedletailRouting

/// What a gateway's listeners are made of.
extension GatewayProcess {
    /// Who answers below `/admin/v1`.
    static func rooms(
        _ running: RunningConfiguration, _ store: GatewayStore, _ telemetry: Telemetry, _ alerts: AlertMonitor,
        _ surroundings: Surroundings
    ) -> [any AdminRoom] {
        let time = surroundings.time
        let levels = telemetry.levels ?? LogLevels(surroundings.logger.logLevel)
        return [
            CallerRoom(), ConfigurationRoom(running), ProvidersRoom(running, time: time),
            GroupsRoom(running, time: time), BreakersRoom(running, time: time), LogRoom(levels: levels),
            TrafficRoom(rules: { running.current.stack.rules }, traffic: { running.current.stack.traffic }),
            ExplainRoom(
                running: running, store: store, time: time, random: .seeded(surroundings.random.next()),
                logger: surroundings.logger),
            QuoteRoom(running, store, time: time), CacheRoom(store) { running.current.stack.cache },
            ContentRoom(
                store, stack: { running.current.stack }, log: telemetry.recent,
                random: .seeded(surroundings.random.next())),
            VaultRoom(store, running, surroundings), AuditRoom(store), LedgerRoom(store), BudgetsRoom(store),
            KeysRoom(
                store, random: surroundings.random,
                groups: { running.current.configuration.groups.filter(\.isEnabled).map(\.name) },
                taken: { running.current.configuration.keys?.map(\.name) ?? [] }),
            RequestsRoom(log: telemetry.recent, time: time), OverviewRoom(log: telemetry.recent, time: time),
            LatencyRoom(log: telemetry.recent),
            AlertsRoom(monitor: alerts),
            PlaygroundRoom(
                stack: { running.current.stack.provider },
                models: { running.current.stack.models(allowed: nil) },
                random: .seeded(surroundings.random.next()), logger: surroundings.logger),
        ]
    }

    /// What the API listener needs of a configuration.
    static func services(
        _ current: RunningConfiguration.Current, _ stored: KeyRing?, _ tokens: TokenVerifier?
    ) -> GatewayServices {
        let stack = current.stack
        var services = GatewayServices(
            stack: stack.provider,
            listModels: { stack.models(allowed: $0) },
            access: Self.access(
                current.configuration.keys, tokens.map { TokenAccess(stored: stored, tokens: $0) } ?? stored),
            routingHeaders: current.configuration.routingHeaders,
            health: { stack.health() }
        )
        services.trustedProxies = current.configuration.listen.trustedProxies
        return services
    }

    static func access(_ keys: [KeyConfiguration]?, _ stored: (any StoredAccess)?) -> AccessTable {
        guard let keys else { return AccessTable(stored: stored) }
        return AccessTable(
            keys.filter(\.isEnabled).map { key in
                AccessKey(
                    name: key.name, secret: key.secret.exposed, grant: key.grant, priority: key.priority)
            }, stored: stored)
    }

    static func cors(_ listen: ListenConfiguration) -> CORSPolicy? {
        listen.corsOrigins.isEmpty ? nil : CORSPolicy(allowedOrigins: Set(listen.corsOrigins))
    }

    static func tls(_ listen: ListenConfiguration) -> EdgeTLS? {
        listen.tls.map { EdgeTLS(certificateFile: $0.certificateFile, keyFile: $0.keyFile) }
    }
}
