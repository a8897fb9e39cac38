import HTTPTypes
import NeedletailCore
import NeedletailTransport

/// The connections to the collectors that a configuration names, and who sends over them.
struct OTLPCollectors {
    private let configuration: OTLPConfiguration
    private let resource: OTLPResource
    private var clients: [OTLPConfiguration.Signal: OTLPClient] = [:]
    /// To be closed at the end.
    private(set) var pools: [UpstreamPool] = []

    /// Connects to nobody yet.
    init(_ configuration: OTLPConfiguration?, _ surroundings: GatewayProcess.Surroundings) throws(NeedletailError) {
        let configuration = configuration ?? OTLPConfiguration()
        self.configuration = configuration
        self.resource = OTLPResource(
            serviceName: configuration.serviceName, configuration.attributes.map { ($0.name, $0.value) })
        var headers: HTTPFields = [.userAgent: "needletail/\(NeedletailVersion.current)"]
        for header in configuration.headers {
            if let name = HTTPField.Name(header.name) { headers[name] = header.value.exposed }
        }
        headers[.contentType] = "application/x-protobuf"
        var known: [Origin: UpstreamPool] = [:]
        for (signal, url) in configuration.endpoints {
            let origin = Origin(scheme: url.isSecure ? .https : .http, host: url.host, port: url.port)
            let pool: UpstreamPool
            if let shared = known[origin] {
                pool = shared
            } else {
                var options = TransportOptions()
                options.maximumConnections = 4
                pool = try UpstreamPool(
                    origin: origin, options: options, group: surroundings.group, time: surroundings.time,
                    logger: surroundings.logger)
                known[origin] = pool
                self.pools.append(pool)
            }
            self.clients[signal] = OTLPClient(
                OTLPClient.Endpoint(
                    transport: pool, path: url.path.isEmpty ? "/" : url.path, headers: headers,
                    timeout: configuration.timeout),
                time: surroundings.time, random: surroundings.random)
        }
    }

    /// Sends spans; `nil` where they go nowhere.
    func spans(samplesErrors: Bool, time: TimeSource) -> SpanExporter? {
        self.clients[.traces].map { client in
            SpanExporter(
                client, resource: self.resource, batching: self.batching, samplesErrors: samplesErrors, time: time)
        }
    }

    /// Sends log lines; `nil` where they go nowhere.
    func logs(time: TimeSource) -> BatchExporter<LogWriter.Entry>? {
        self.clients[.logs].map { client in
            BatchExporter(client, batching: self.batching, time: time) { [resource = self.resource] in
                OTLPLogs.request($0, resource)
            }
        }
    }

    private var batching: Batching {
        Batching(
            queue: self.configuration.queue, batch: min(self.configuration.batch, self.configuration.queue),
            delay: self.configuration.delay)
    }

    /// Sends metrics; `nil` where they go nowhere.
    func metrics(_ registry: MetricRegistry, start: Int64, time: TimeSource) -> MetricExporter? {
        self.clients[.metrics].map { client in
            MetricExporter(
                registry: registry, client: client, resource: self.resource,
                interval: self.configuration.metricInterval, start: start, time: time)
        }
    }
}
