import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailRouting
import NeedletailTransport

/// Builds the leaves of the stack: one ``HTTPProvider`` per configured provider, with its own connections.
struct Upstreams {
    /// One provider and what it was built from.
    struct Entry {
        var configuration: ProviderConfiguration
        var spec: ProviderSpec
        var provider: HTTPProvider
        var pools: [UpstreamPool]
        /// What it and its connections were built from.
        var fingerprint: Fingerprint
        /// Who answers in its place, in a simulation.
        var model: (any Provider)?
        /// Whether it is only looked for, see ``LocalProviders``.
        var isOptional = false

        /// Who is asked.
        var leaf: any Provider { self.model ?? self.provider }
    }

    /// What served before, by name: one that is told the same goes on, with its connections.
    var inherited: [String: Entry] = [:]
    /// Gets what must still be sent for jobs that nobody waits for.
    let cancellations: JobCancellations
    let group: any EventLoopGroup
    let environment: [String: String]
    let time: TimeSource
    let logger: Logger
    /// Remembers who issued what.
    var issuedState: IssuedStateTable?
    /// Who answers in the place of providers, by name: then nothing is connected for them.
    var models: [String: any Provider] = [:]
    /// Which addresses `fetch_urls` may reach.
    var permitsFetch: @Sendable (SocketAddress) -> Bool = PublicAddress.isPublic

    /// Builds the enabled providers.
    func build(_ configurations: [ProviderConfiguration]) throws -> [Entry] {
        try configurations.filter(\.isEnabled).map { try self.build($0) }
    }

    /// What a provider is asked with, but not how often and in which order: another share of the requests breaks no
    /// connection and forgets no failure.
    private static let policies: Set<String> = [
        "priority", "weight", "isEnabled", "retry", "models", "healthCheck", "drainsOnDisconnect",
    ]

    /// What a provider and its connections are built from, the files that it names included.
    static func fingerprint(_ configuration: ProviderConfiguration) -> Fingerprint {
        let settings = ProviderSpec.named(configuration.type)?.settings.filter { $0.kind == .file }.compactMap {
            configuration.settings[$0.name]?.exposed
        }
        let files = ([configuration.caFile, configuration.mock.scriptFile] + (settings ?? [])).map { path in
            path.map { (try? ConfigurationFiles.live.read($0, YAMLReader.sizeLimit)) ?? "" } ?? ""
        }
        return Fingerprint(of: configuration, except: Self.policies, and: files)
    }

    private func build(_ configuration: ProviderConfiguration) throws -> Entry {
        let fingerprint = Self.fingerprint(configuration)
        if var known = self.inherited[configuration.name], known.fingerprint == fingerprint {
            known.configuration = configuration
            known.isOptional = false
            return known
        }
        guard let spec = ProviderSpec.named(configuration.type) else {
            throw NeedletailError(.internalFailure, "There is no provider type '\(configuration.type)'.")
        }
        if let model = self.models[configuration.name] {
            let provider = HTTPProvider(
                id: ProviderID(configuration.name), spec: spec, options: .init(), transport: NoTransport(),
                time: self.time)
            return Entry(
                configuration: configuration, spec: spec, provider: provider, pools: [], fingerprint: fingerprint,
                model: model)
        }
        let identity = try CloudIdentity(
            group: self.group, environment: self.environment, time: self.time, logger: self.logger
        ).resolve(spec, configuration)
        let settings = configuration.settings.mapValues(\.exposed).merging(identity.settings) { $1 }
        if let missing = spec.missingSetting(settings) {
            throw NeedletailError(
                .internalFailure, "The provider '\(configuration.name)' has no setting '\(missing.name)'.")
        }
        guard let url = configuration.baseURL ?? spec.resolved(settings).baseURL.flatMap(HTTPURL.init) else {
            throw NeedletailError(.internalFailure, "The provider '\(configuration.name)' has no base_url.")
        }
        let origin = Origin(scheme: url.isSecure ? .https : .http, host: url.host, port: url.port)
        let pool = spec.isMock ? nil : try self.pool(configuration, origin)
        var transport: any HTTPTransport
        if let pool {
            transport = self.answering(spec.resolved(settings, basePath: url.path), configuration, over: pool)
        } else {
            transport = MockTransport(engine: try self.engine(configuration.mock), time: self.time)
        }
        if let faults = configuration.faults {
            transport = FaultTransport(transport, engine: try self.engine(faults), time: self.time)
        }
        let provider = HTTPProvider(
            id: ProviderID(configuration.name),
            spec: spec,
            options: self.options(configuration, spec, url, settings, identity.authorizer),
            transport: transport,
            time: self.time
        )
        let pools = [pool].compactMap { $0 } + identity.pools
        return Entry(
            configuration: configuration, spec: spec, provider: provider, pools: pools, fingerprint: fingerprint)
    }

    /// The transport of an upstream that answers at once, or of one that takes jobs as if it did.
    private func answering(
        _ spec: ProviderSpec,
        _ configuration: ProviderConfiguration,
        over pool: UpstreamPool
    ) -> any HTTPTransport {
        guard let jobs = spec.jobs else { return pool }
        let origins = StreamOrigins { origin throws(NeedletailError) in try self.pool(configuration, origin) }
        return jobs.transport(
            over: pool, connect: { url throws(NeedletailError) in try origins.pool(for: url) },
            cancellations: self.cancellations, time: self.time)
    }

    private func options(
        _ configuration: ProviderConfiguration,
        _ spec: ProviderSpec,
        _ url: HTTPURL,
        _ settings: [String: String],
        _ authorizer: (any RequestAuthorizer)?
    ) -> HTTPProvider.Options {
        var quirks = spec.quirks
        if let field = configuration.maxTokensField {
            quirks.set(.wantsMaxCompletionTokens, field == "max_completion_tokens")
        }
        if let supports = configuration.supportsStreamUsage { quirks.set(.refusesStreamOptions, !supports) }
        if configuration.takesOnlyInlineMedia { quirks.insert(.takesOnlyInlineMedia) }
        if let takes = configuration.takesReasoningDetails { quirks.set(.takesReasoningDetails, takes) }
        var headers = HTTPFields()
        for header in configuration.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value.exposed }
        }
        var options = HTTPProvider.Options(
            basePath: url.path,
            // Weights are fractions in the file and whole shares here.
            keys: configuration.apiKeys.map { ($0.secret.exposed, max(1, Int(min($0.weight, 1_000) * 1_000))) },
            headers: headers,
            dialect: configuration.api,
            quirks: quirks,
            timeouts: configuration.timeouts,
            mediaFetcher: configuration.allowsImageFetch
                ? MediaDownload(group: self.group, time: self.time, logger: self.logger, permits: self.permitsFetch)
                : nil,
            settings: settings,
            capabilities: configuration.capabilities,
            authorizer: authorizer,
            issuedState: self.issuedState,
            account: Self.account(configuration, url)
        )
        options.maxTokensField = configuration.maxTokensField
        return options
    }

    /// What names the account: where it is, and with which keys. Several keys of one provider are taken to be one account's.
    private static func account(_ configuration: ProviderConfiguration, _ url: HTTPURL) -> String? {
        guard !configuration.apiKeys.isEmpty else { return nil }
        return "\(url.host):\(url.port) " + configuration.apiKeys.map(\.secret.exposed).sorted().joined(separator: " ")
    }

    private func pool(
        _ configuration: ProviderConfiguration, _ origin: Origin
    ) throws(NeedletailError) -> UpstreamPool {
        var options = TransportOptions()
        // How many run at a time is the router's to say; there is a connection for each.
        if let limit = configuration.limits.concurrency {
            options.maximumConnections = max(options.maximumConnections, limit)
        }
        if let file = configuration.caFile { options.tls.roots = .file(file) }
        if let proxy = configuration.proxy {
            options.proxy = .http(.init(host: proxy.host, port: proxy.port))
        } else if !ListenAddress(host: origin.host, port: origin.port).isLoopback {
            // A proxy elsewhere cannot reach this machine's own addresses.
            options.proxy = try ProxySetting.fromEnvironment(self.environment, for: origin)
        }
        return try UpstreamPool(
            origin: origin, options: options, group: self.group, time: self.time, logger: self.logger)
    }

    private func engine(_ configuration: MockConfiguration) throws -> MockEngine {
        var script =
            try configuration.scriptFile.map { try MockScript(path: $0, environment: self.environment) } ?? MockScript()
        if let seed = configuration.seed { script.seed = UInt64(clamping: seed) }
        if let delay = configuration.delay { script.delay = delay }
        return MockEngine(script: script)
    }
}

/// Reaches nobody.
private struct NoTransport: HTTPTransport {
    func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        throw NeedletailError(.unreachable, "A modelled provider has no connections.")
    }
}

extension Set<ProviderSpec.Quirk> {
    fileprivate mutating func set(_ quirk: ProviderSpec.Quirk, _ isThere: Bool) {
        if isThere { self.insert(quirk) } else { self.remove(quirk) }
    }
}
