public import Logging
public import NIOCore
public import NIOPosix
public import NeedletailCore
public import NeedletailProviders
public import NeedletailTransport

extension HTTPProvider {
    /// Makes a provider with connections of its own. Nothing is connected yet; make it once and keep it.
    ///
    /// Its connections are closed when the last reference is gone and what runs has ended. Proxies of the environment are
    /// not looked at; `transport` has one.
    ///
    /// - Parameters:
    ///   - spec: What kind of upstream it is, for example `.openAI`.
    ///   - id: The name for logs and replies; the type's by default.
    ///   - apiKey: The key; `nil` for an upstream that wants none.
    ///   - baseURL: Where it is, with or without a final `/v1`; the type's own by default.
    ///   - settings: What the type needs beside URL and key, by name: a project, a version.
    ///   - authorizer: Who adds a token or signs, where there is no key.
    ///   - timeouts: How long to wait. Default 10 s for a connection, 60 s for the first byte, 60 s between two reads,
    ///     600 s for everything.
    ///   - transport: How connections are made and kept. Default at most 100, of which 32 may be idle, for 90 s.
    ///   - group: The event loops; the process's own by default.
    ///   - logger: Where the connections log.
    /// - Throws: `.invalidRequest` for a URL that cannot be read, none where the type has none, or CA certificates that
    ///   are none.
    public static func connect(
        to spec: ProviderSpec,
        id: ProviderID? = nil,
        apiKey: String?,
        baseURL: String? = nil,
        settings: [String: String] = [:],
        authorizer: (any RequestAuthorizer)? = nil,
        timeouts: Timeouts = Timeouts(),
        transport: TransportOptions = TransportOptions(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "needletail")
    ) throws(NeedletailError) -> HTTPProvider {
        if let missing = spec.missingSetting(settings) {
            throw NeedletailError(
                .invalidRequest, "A provider of type '\(spec.type)' needs the setting '\(missing.name)'.")
        }
        guard let url = baseURL ?? spec.resolved(settings).baseURL else {
            throw NeedletailError(.invalidRequest, "A provider of type '\(spec.type)' needs a base URL.")
        }
        let connect = { @Sendable (url: String) throws(NeedletailError) -> any HTTPTransport in
            try UpstreamPool(
                origin: try Origin(url: url), options: transport, group: group, time: .live, logger: logger)
        }
        let pool = try connect(url)
        let basePath = Self.path(of: url)
        // Nobody runs the list of cancellations here: a job whose reply is dropped runs to its own end.
        let jobs = spec.resolved(settings, basePath: basePath).jobs
        return HTTPProvider(
            id: id ?? ProviderID(spec.type),
            spec: spec,
            options: Options(
                basePath: basePath, keys: apiKey.map { [($0, 1)] } ?? [], timeouts: timeouts, settings: settings,
                authorizer: authorizer),
            transport: jobs?.transport(over: pool, connect: connect, cancellations: JobCancellations(), time: .live)
                ?? pool,
            time: .live
        )
    }

    /// The path of a URL that has been read as an origin.
    private static func path(of url: String) -> String {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count > 3 ? "/" + parts[3].prefix { $0 != "?" && $0 != "#" } : "/"
    }
}
