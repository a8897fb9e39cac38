import NeedletailProviders

/// The servers that may run on this machine without anybody having configured them.
///
/// A start without a file looks for them in the background, at the usual address of each type that has one on loopback.
/// Until one answers with a list of models it is as if it were not there: no name leads to it, no log speaks of it.
enum LocalProviders {
    /// How long one look may take: whoever is on this machine answers at once.
    static let timeout = Duration.seconds(1)

    /// What to look for beside what `configuration` has.
    static func candidates(
        _ configuration: Configuration,
        environment: [String: String],
        among specs: [ProviderSpec]
    ) -> [ProviderConfiguration] {
        guard configuration.origin == .environment else { return [] }
        // What is wrong in the environment has been said when the configuration was made.
        var faults = FaultCollector()
        let defaults = EnvironmentDefaults(environment, faults: &faults)
        let own = [configuration.listen.api, configuration.listen.admin]
        var candidates: [ProviderConfiguration] = []
        for spec in specs {
            guard let type = ProviderTypes.version[spec.type], let url = spec.baseURL.flatMap(HTTPURL.init),
                ListenAddress(host: url.host, port: url.port).isLoopback, !own.contains(where: { $0.port == url.port }),
                !configuration.providers.contains(where: { $0.type == spec.type || $0.name == spec.type })
            else { continue }
            var candidate = defaults.provider(spec.type, type, &faults)
            candidate.baseURL = candidate.baseURL ?? Self.address(of: spec, environment, usual: url)
            candidate.healthCheck = HealthCheckConfiguration()
            candidate.healthCheck?.timeout = Self.timeout
            candidates.append(candidate)
        }
        return candidates
    }

    /// Where the server was told to listen, else its usual address.
    private static func address(of spec: ProviderSpec, _ environment: [String: String], usual: HTTPURL) -> HTTPURL {
        guard let name = spec.hostVariable, let text = environment[name], !text.isEmpty else { return usual }
        guard !text.contains("://") else { return HTTPURL(text) ?? usual }
        guard let (host, port) = ListenAddress.split(text.hasPrefix(":") ? usual.host + text : text) else {
            return usual
        }
        var url = usual
        // One that listens everywhere is found on this machine.
        if !["", "0.0.0.0", "::", "*"].contains(host) { url.host = host.lowercased() }
        url.port = port ?? usual.port
        return url
    }
}
