import HTTPTypes
import NeedletailCore
import NeedletailTransport

/// The collectors that a configuration names, the connections to them, and what sends over these.
final class OTLPCollectors: Sendable {
    /// What has become of what was to be sent.
    struct Counts: Sendable, Hashable {
        /// Batches that arrived.
        var sentBatches = 0
        /// Tries that failed.
        var failedTries = 0
        /// Requests whose spans were dropped.
        var droppedRequests = 0
        /// Log lines that were dropped.
        var droppedLines = 0

        /// Adds what others say.
        mutating func add(_ other: Self) {
            self.sentBatches += other.sentBatches
            self.failedTries += other.failedTries
            self.droppedRequests += other.droppedRequests
            self.droppedLines += other.droppedLines
        }
    }

    /// Sends spans; `nil` where they go nowhere.
    let spans: BatchExporter<RequestRecord>?
    /// Sends log lines; `nil` where they go nowhere.
    let logs: BatchExporter<LogWriter.Entry>?
    /// Sends metrics; `nil` where they go nowhere.
    let metrics: MetricExporter?
    /// Open when others have taken their place.
    let isReplaced = Latch()
    private let clients: [OTLPClient]
    private let pools: [UpstreamPool]

    /// Connects to nobody yet.
    ///
    /// - Parameters:
    ///   - configuration: `nil` names nobody.
    ///   - registry: The metrics that are sent.
    ///   - start: When counting began, in nanoseconds since 1970.
    init(
        _ configuration: OTLPConfiguration?, _ registry: MetricRegistry, start: Int64,
        _ surroundings: GatewayProcess.Surroundings
    ) throws(NeedletailError) {
        let configuration = configuration ?? OTLPConfiguration()
        let time = surroundings.time
        let resource = OTLPResource(
            serviceName: configuration.serviceName, configuration.attributes.map { ($0.name, $0.value) })
        var headers: HTTPFields = [.userAgent: "needletail/\(NeedletailVersion.current)"]
        for header in configuration.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value.exposed }
        }
        headers[.contentType] = "application/x-protobuf"
        var pools: [Origin: UpstreamPool] = [:]
        var clients: [OTLPConfiguration.Signal: OTLPClient] = [:]
        for (signal, url) in configuration.endpoints {
            let origin = Origin(scheme: url.isSecure ? .https : .http, host: url.host, port: url.port)
            let pool: UpstreamPool
            if let shared = pools[origin] {
                pool = shared
            } else {
                var options = TransportOptions()
                options.maximumConnections = 4
                pool = try UpstreamPool(
                    origin: origin, options: options, group: surroundings.group, time: time,
                    logger: surroundings.logger)
                pools[origin] = pool
            }
            clients[signal] = OTLPClient(
                OTLPClient.Endpoint(
                    transport: pool, path: url.path.isEmpty ? "/" : url.path, headers: headers,
                    timeout: configuration.timeout),
                time: time, random: surroundings.random)
        }
        self.pools = Array(pools.values)
        self.clients = Array(clients.values)
        let batching = Batching(
            queue: configuration.queue, batch: min(configuration.batch, configuration.queue),
            delay: configuration.delay)
        self.spans = clients[.traces].map { client in
            BatchExporter(client, batching: batching, time: time) { OTLPTraces.request($0, resource) }
        }
        self.logs = clients[.logs].map { client in
            BatchExporter(client, batching: batching, time: time) { OTLPLogs.request($0, resource) }
        }
        self.metrics = clients[.metrics].map { client in
            MetricExporter(
                registry: registry, client: client, resource: resource, interval: configuration.metricInterval,
                start: start, time: time)
        }
    }

    /// Whether anything is sent to anybody.
    var isEmpty: Bool { self.clients.isEmpty }

    /// What has become of what was to be sent.
    var counts: Counts {
        Counts(
            sentBatches: self.clients.map(\.sentBatches).reduce(0, +),
            failedTries: self.clients.map(\.failedTries).reduce(0, +),
            droppedRequests: self.spans?.dropped ?? 0, droppedLines: self.logs?.dropped ?? 0)
    }

    /// Takes no more, since others have taken their place; ``run()`` returns when what they have is sent.
    func close() {
        self.spans?.close()
        self.logs?.close()
        self.isReplaced.open()
    }

    /// Sends until the task is cancelled, or until all that came before ``close()`` is sent.
    func run() async {
        await withDiscardingTaskGroup { group in
            if let spans = self.spans { group.addTask { await spans.run() } }
            if let logs = self.logs { group.addTask { await logs.run() } }
            if let metrics = self.metrics { group.addTask { await metrics.run(until: self.isReplaced) } }
            await self.isReplaced.wait()
        }
    }

    /// Sends what waits, trying once: for the end of the process.
    func flush() async {
        await self.spans?.flush()
        await self.metrics?.flush()
        await self.logs?.flush()
    }

    /// Closes the connections.
    func shutdown() async {
        for pool in self.pools { await pool.shutdown() }
    }
}
