import NeedletailCore

/// Makes the typed configuration from a tree that the schema has judged, and judges what one key alone cannot show:
/// references, cycles, secrets.
struct ConfigurationBuilder {
    let types: ProviderTypes
    let defaults: EnvironmentDefaults
    var secrets: SecretReader
    /// For the age of credentials.
    var time = TimeSource.live
    /// Whether the configuration lies in a folder of its own, where files may be kept beside it.
    var isOnDisk = false
    var faults: FaultCollector

    mutating func configuration(
        _ root: ConfigurationNode,
        _ loaded: LoadedConfiguration
    ) -> Configuration {
        let overrides = loaded.overrides
        let vault = self.openVault(root)
        let providers = root["providers"].map { self.providers($0) } ?? self.providersFromEnvironment()
        let references = References(
            providers: root["providers"]?.entries.map(\.key) ?? providers.map(\.name),
            disabled: Set(providers.filter { !$0.isEnabled }.map(\.name)),
            groups: root["models"]?.entries.map(\.key) ?? [],
            disabledGroups: Set((root["models"]?.entries ?? []).filter { !$0.value.isEnabled }.map(\.key)),
            dialects: Dictionary(
                providers.compactMap { provider in self.types[provider.type].map { (provider.name, $0.dialects) } },
                uniquingKeysWith: { first, _ in first }),
            weights: Dictionary(providers.map { ($0.name, $0.weight) }, uniquingKeysWith: { first, _ in first })
        )
        let groups = (root["models"]?.entries ?? []).map { entry in
            // Nobody could ask for it, and inside it would pass for the default group.
            if entry.key.isEmpty { self.faults.error(at: entry.position, "a group has no name", "write one") }
            return self.group(entry.key, entry.value, at: entry.position, references)
        }
        self.findCycles(groups)
        self.findNestedTiers(groups)
        let keys = root["keys"].map { self.keys($0) }
        let callers = CallerNames(keys)
        var configuration = Configuration(
            origin: loaded.text.path.map { .file($0) } ?? .environment,
            listen: self.listen(root["listen"]),
            providers: providers,
            groups: groups,
            defaultGroup: root["default"].map { self.group("", $0, at: $0.position, references) },
            experiments: self.experiments(root["experiments"], references, callers),
            routes: self.routes(root["routes"], references, callers),
            keys: keys,
            prices: self.prices(root["prices"], providers),
            cache: self.cache(root["cache"]),
            cacheStore: self.cacheStore(root["cache"]),
            semanticCache: self.semanticCache(root["cache"], references),
            budgets: self.budgets(root["budgets"], keys: keys ?? [], providers: providers),
            telemetry: self.telemetry(root["telemetry"]),
            admin: self.admin(root["admin"]),
            warnings: [],
            loaded: loaded
        )
        configuration.tokenIssuers = self.tokens(root["jwt"])
        configuration.vault = vault
        configuration.vaultNames = self.secrets.vault?.used ?? []
        configuration.privacy = self.privacy(root["privacy"], callers)
        configuration.store = self.store(
            root["store"],
            isUsed: keys != nil || !configuration.budgets.isEmpty || configuration.privacy.content != nil
                || configuration.cacheStore != nil || configuration.groups.contains { $0.strategy == .learned })
        if configuration.privacy.content != nil, configuration.store.path == nil,
            let position = root["privacy"]?["content"]?.position
        {
            self.faults.error(
                at: position, "what was said is to be kept, and there is no store to keep it in",
                "write store: on, or content: false")
        }
        if configuration.cacheStore != nil, configuration.store.path == nil,
            let position = root["cache"]?["persist"]?.position
        {
            self.faults.error(
                at: position, "replies are to be kept, and there is no store to keep them in",
                "write store: on, or persist: false")
        }
        for entry in root["tenants"]?.entries ?? [] { configuration.tenants[entry.key] = self.tenant(entry, keys) }
        configuration.alerts = self.alerts(root["alerts"], objectives: root["objectives"], configuration)
        configuration.maximumInFlight = root["overload"]?.int("max_in_flight")
        self.checkDowngrades(root, references)
        self.apply(overrides, to: &configuration)
        self.checkExposure(configuration, at: root["listen"]?["api"]?.position)
        self.checkAdminExposure(
            &configuration, at: overrides.admin == nil ? root["listen"]?["admin"]?.position : nil,
            storeIsOpen: root["store"] == nil)
        return configuration
    }

    // MARK: Listeners and logs

    private mutating func listen(_ node: ConfigurationNode?) -> ListenConfiguration {
        var listen = ListenConfiguration()
        guard let node else { return listen }
        assign(node.text("api").flatMap { ListenAddress($0) }, to: &listen.api)
        assign(node.text("admin").flatMap { ListenAddress($0) }, to: &listen.admin)
        assign(node.text("body_limit").flatMap { SizeText.parse($0) }, to: &listen.bodyLimit)
        assign(node.duration("drain"), to: &listen.drain)
        if let proxies = node["trusted_proxies"] { listen.trustedProxies = self.networks(proxies) }
        if let cors = node["cors"] {
            listen.corsOrigins = cors.texts("origins") ?? (node.bool("cors") == true ? ["*"] : [])
        }
        if let tls = node["tls"] {
            if let certificate = tls.text("cert"), let key = tls.text("key") {
                listen.tls = .init(
                    certificateFile: self.file(certificate, tls["cert"]),
                    keyFile: self.file(key, tls["key"])
                )
            } else if case .mapping = tls.content {
                self.faults.error(at: tls.position, "TLS needs 'cert' and 'key'", "write { cert: PATH, key: PATH }")
            }
        }
        return listen
    }

    private mutating func apply(_ overrides: ConfigurationLoader.Overrides, to configuration: inout Configuration) {
        let addresses: [(option: String, text: String?, path: WritableKeyPath<ListenConfiguration, ListenAddress>)] = [
            ("--api", overrides.api, \.api), ("--admin", overrides.admin, \.admin),
        ]
        for (option, text, path) in addresses {
            guard let text else { continue }
            if let address = ListenAddress(text) {
                configuration.listen[keyPath: path] = address
            } else {
                self.faults.error(
                    at: .option(option),
                    "'\(text)' is not an address to listen on",
                    SchemaKind.address.example
                )
            }
        }
        if let level = overrides.logLevel {
            let kind = ConfigurationSchema.logLevel
            let scalar = ConfigurationNode.Scalar(
                raw: level,
                text: level,
                isQuoted: false,
                isExpanded: false,
                isBroken: false
            )
            if let problem = ScalarCheck(types: []).problem(scalar, kind) {
                self.faults.error(at: .option("--log-level"), problem.problem, problem.remedy ?? kind.example)
            } else {
                configuration.telemetry.logLevel = level
            }
        }
    }

    /// Without keys, whoever reaches the listener spends the operator's money.
    private mutating func checkExposure(_ configuration: Configuration, at position: SourcePosition?) {
        let hasTokens = configuration.tokenIssuers.contains { $0.clients != nil }
        guard !configuration.listen.api.isLoopback, configuration.keys == nil, !hasTokens else { return }
        self.faults.error(
            at: position.map { .file($0) } ?? .option("--api"),
            "the API listener is open to other machines and there are no 'keys:'",
            "add keys, or listen on 127.0.0.1"
        )
    }

    // MARK: Files

    /// A file that must be there at the start.
    mutating func file(_ path: String, _ node: ConfigurationNode?) -> String {
        let full = self.secrets.path(path)
        do {
            _ = try self.secrets.files.read(full, 16 << 20)
        } catch {
            if let node {
                self.faults.error(
                    at: node.position,
                    "'\(node.scalar?.raw ?? path)': \(error.problem)",
                    "name a readable file; a relative path starts at this file's folder"
                )
            }
        }
        return full
    }
}
