import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// All that shows what the gateway does; lives as long as the process, whatever configurations come and go.
final class Telemetry: Sendable {
    /// What a configuration asks for, made before it serves.
    struct Parts: Sendable {
        let configuration: TelemetryConfiguration
        let collectors: OTLPCollectors
        let history: RequestHistory?
        fileprivate let metrics: RequestMetrics
    }

    /// The metrics.
    let registry = MetricRegistry()
    /// The last requests.
    let recent: RecentRequests
    /// What is logged; `nil` where the log is somebody else's.
    let levels: LogLevels?
    /// What sends spans, metrics and log lines.
    let export: OTLPExport
    private let spans: SpanExporter
    private let requestLog: RequestLog?
    private let inFlight = InFlightCount()
    private let waiting = InFlightCount()
    private let surroundings: GatewayProcess.Surroundings
    private let time: TimeSource
    private let lag = Mutex<EventLoopLag?>(nil)
    private let parts: Mutex<Parts>
    private let random: RandomSource
    /// When counting began, in nanoseconds since 1970.
    private let start: Int64

    /// How long the end of the process waits for a collector.
    private static let farewell = Duration.seconds(3)

    /// Creates the telemetry that a configuration asks for.
    init(_ configuration: TelemetryConfiguration, _ surroundings: GatewayProcess.Surroundings) throws {
        let time = surroundings.time
        self.surroundings = surroundings
        self.time = time
        self.start = time.wallNanoseconds()
        self.levels = surroundings.log?.levels
        let history = try Self.history(configuration, nil, surroundings)
        let parts = Parts(
            configuration: configuration,
            collectors: try OTLPCollectors(configuration.otlp, self.registry, start: self.start, surroundings),
            history: history,
            metrics: RequestMetrics(self.registry, capacity: configuration.maximumSeries))
        self.parts = Mutex(parts)
        self.export = OTLPExport(parts.collectors)
        self.spans = SpanExporter(self.export.spans, samplesErrors: configuration.samplesErrors)
        self.requestLog = surroundings.log.map { log in
            RequestLog(log.writer, levels: log.levels, wanted: configuration.requestLines, time: time)
        }
        self.recent = RecentRequests(capacity: configuration.requestLogSize, history: history, time: time)
        self.random = .seeded(surroundings.random.next())
        surroundings.log?.writer.export(to: self.export.logs)
        self.collect(surroundings.log?.writer)
    }

    /// The history that a configuration asks for: the one before where that is in the same file.
    private static func history(
        _ configuration: TelemetryConfiguration, _ before: RequestHistory?, _ surroundings: GatewayProcess.Surroundings
    ) throws(NeedletailError) -> RequestHistory? {
        guard let kept = configuration.requestHistory else { return nil }
        if let before, before.path == kept.path { return before }
        return try RequestHistory(
            path: kept.path, retention: kept.retention, time: surroundings.time, logger: surroundings.logger)
    }

    /// What serves.
    var current: Parts { self.parts.withLock { $0 } }

    /// Makes what a configuration asks for and what is not there yet. Nothing is changed.
    func prepare(_ configuration: TelemetryConfiguration) throws -> Parts {
        let current = self.current
        return Parts(
            configuration: configuration,
            collectors: configuration.otlp == current.configuration.otlp
                ? current.collectors
                : try OTLPCollectors(configuration.otlp, self.registry, start: self.start, self.surroundings),
            history: try Self.history(configuration, current.history, self.surroundings),
            metrics: configuration.maximumSeries == current.configuration.maximumSeries
                ? current.metrics
                : RequestMetrics(self.registry, capacity: configuration.maximumSeries, after: current.metrics))
    }

    /// Who hears of requests under a configuration, and what they are told.
    ///
    /// - Parameters:
    ///   - first: Who hears before the telemetry.
    ///   - last: Who hears after it.
    func observation(
        of parts: Parts, first: [any RequestObserver], last: [any RequestObserver]
    ) -> Observation {
        let log: any RequestObserver = self.requestLog ?? FailureLog(logger: self.surroundings.logger)
        var observation = Observation(
            first + [parts.metrics, log, self.spans, self.recent] + last, inFlight: self.inFlight)
        observation.waiting = self.waiting
        let configuration = parts.configuration
        if parts.collectors.spans != nil {
            observation.spans = SpanSource(
                ratio: configuration.sampleRatio, followsParent: configuration.followsParent, random: self.random)
        }
        observation.propagatesTrace = configuration.propagatesTrace
        return observation
    }

    /// Lets what was prepared take hold. Levels that were set at run time stay until other ones are configured.
    func install(_ parts: Parts) {
        let before = self.parts.withLock { current in
            defer { current = parts }
            return current.configuration
        }
        let now = parts.configuration
        self.export.replace(parts.collectors)
        self.spans.replace(samplesErrors: now.samplesErrors)
        self.requestLog?.replace(now.requestLines)
        if let log = self.surroundings.log { log.writer.replace(log.format(now.logFormat)) }
        self.recent.resize(now.requestLogSize)
        self.recent.replace(history: parts.history)
        if let kept = now.requestHistory { parts.history?.replace(retention: kept.retention) }
        if before.logLevel != now.logLevel || before.logModules != now.logModules {
            self.levels?.replace(now.level, now.moduleLevels)
        }
    }

    private func collect(_ writer: LogWriter?) {
        let (inFlight, waiting) = (self.inFlight, self.waiting)
        let started = self.time.wallSeconds()
        self.registry.collect {
            [
                .gauge("needletail_requests_in_flight", "Requests under way.", Double(inFlight.value)),
                .gauge(
                    "needletail_queue_waiting", "Requests that wait for a place under a limit.", Double(waiting.value)),
                .gauge(
                    "needletail_build_info", "The version that runs; always 1.",
                    [(MetricLabels(["version": NeedletailVersion.current]), 1)]),
                .gauge("needletail_start_time_seconds", "When the gateway began, since unix epoch.", Double(started)),
            ]
        }
        self.registry.collect { ProcessMetrics.read() }
        self.registry.collect { [recent = self.recent] in
            recent.history.map { history in
                [
                    .counter(
                        "needletail_request_history_dropped_total", "Requests that the history has not.",
                        [(.none, history.dropped)])
                ]
            } ?? []
        }
        if let writer {
            self.registry.collect {
                [
                    .counter(
                        "needletail_log_lines_total", "Log lines that were written.",
                        [(.none, writer.writtenLines)]),
                    .counter(
                        "needletail_log_lines_dropped_total", "Log lines that nobody read in time.",
                        [(.none, writer.droppedLines)]),
                ]
            }
        }
        // Not kept by what it reads from, which keeps the registry.
        self.registry.collect { [weak export = self.export] in export?.readings ?? [] }
    }

    /// The answer of `/metrics`.
    func metrics(accept: String?) -> EdgeResponse {
        let format = MetricExposition.Format(accept: accept)
        return EdgeResponse(
            status: 200, headers: [.contentType: format.contentType, .cacheControl: "no-store"],
            body: MetricExposition.text(self.registry.read(), format))
    }

    /// Measures event loops and sends signals, until the task is cancelled.
    func run() async {
        let histogram = self.registry.histograms(
            "needletail_event_loop_lag_seconds", "How late event loops come to what is due.", digits: 9,
            bounds: HistogramBounds.lag
        ).histogram()
        let lag = EventLoopLag(self.surroundings.group, into: histogram, time: self.time)
        self.lag.withLock { $0 = lag }
        await withDiscardingTaskGroup { group in
            group.addTask { await self.export.run() }
            group.addTask { await self.recent.run() }
        }
    }

    /// Sends what waits, for at most a few seconds, and closes the connections to the collectors.
    func shutdown() async {
        self.lag.withLock { $0.take() }?.stop()
        await self.export.shutdown(within: Self.farewell, time: self.time)
        await self.recent.history?.close()
    }
}
