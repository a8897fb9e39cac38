import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import NeedletailTransport
import Synchronization

/// All that shows what the gateway does; lives as long as the process, whatever configurations come and go.
final class Telemetry: Sendable {
    /// The metrics.
    let registry = MetricRegistry()
    /// The last requests.
    let recent: RecentRequests
    /// Who hears of requests, and what they are told.
    let observation: Observation
    /// What is logged; `nil` where the log is somebody else's.
    let levels: LogLevels?
    let spans: SpanExporter?
    let metrics: MetricExporter?
    private let logs: BatchExporter<LogWriter.Entry>?
    private let pools: [UpstreamPool]
    private let group: any EventLoopGroup
    private let time: TimeSource
    private let lag = Mutex<EventLoopLag?>(nil)
    /// What the levels of the log were last set by.
    private let levelled: Mutex<TelemetryConfiguration>
    private let random: RandomSource

    /// How long the end of the process waits for a collector.
    private static let farewell = Duration.seconds(3)

    /// Creates the telemetry that a configuration asks for.
    init(_ configuration: TelemetryConfiguration, _ surroundings: GatewayProcess.Surroundings) throws {
        let time = surroundings.time
        self.time = time
        self.group = surroundings.group
        self.levels = surroundings.log?.levels
        let collectors = try OTLPCollectors(configuration.otlp, surroundings)
        self.pools = collectors.pools
        self.spans = collectors.spans(samplesErrors: configuration.samplesErrors, time: time)
        self.metrics = collectors.metrics(self.registry, start: time.wallNanoseconds(), time: time)
        self.logs = collectors.logs(time: time)
        if let logs = self.logs { surroundings.log?.writer.export(to: logs) }

        var observers: [any RequestObserver] = [RequestMetrics(self.registry, capacity: configuration.maximumSeries)]
        if let log = surroundings.log {
            observers.append(
                RequestLog(log.writer, levels: log.levels, wanted: configuration.requestLines, time: time))
        } else {
            observers.append(FailureLog(logger: surroundings.logger))
        }
        if let spans = self.spans { observers.append(spans) }
        let history = try configuration.requestHistory.map { kept in
            try RequestHistory(path: kept.path, retention: kept.retention, time: time, logger: surroundings.logger)
        }
        let recent = RecentRequests(capacity: configuration.requestLogSize, history: history, time: time)
        self.recent = recent
        observers.append(recent)
        self.random = .seeded(surroundings.random.next())
        self.observation = Observation(observers)
        self.levelled = Mutex(configuration)
        self.collect(surroundings.log?.writer)
    }

    /// An observation with the traces that a configuration asks for.
    func observed(_ observation: Observation, by configuration: TelemetryConfiguration) -> Observation {
        var observation = observation
        if self.spans != nil {
            observation.spans = SpanSource(
                ratio: configuration.sampleRatio, followsParent: configuration.followsParent, random: self.random)
        }
        observation.propagatesTrace = configuration.propagatesTrace
        return observation
    }

    /// Takes over what a new configuration says and a running process can follow. Levels that were set at run time stay until
    /// other ones are configured.
    func replace(_ configuration: TelemetryConfiguration) {
        let isNew = self.levelled.withLock { levelled in
            defer { levelled = configuration }
            return levelled.logLevel != configuration.logLevel || levelled.logModules != configuration.logModules
        }
        if isNew { self.levels?.replace(configuration.level, configuration.moduleLevels) }
    }

    private func collect(_ writer: LogWriter?) {
        let (inFlight, waiting) = (self.observation.inFlight, self.observation.waiting)
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
        if let history = self.recent.history {
            self.registry.collect {
                [
                    .counter(
                        "needletail_request_history_dropped_total", "Requests that the history has not.",
                        [(.none, history.dropped)])
                ]
            }
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
        let clients = [self.spans?.collector, self.metrics?.client, self.logs?.collector].compactMap { $0 }
        guard !clients.isEmpty else { return }
        self.registry.collect { [spans = self.spans, logs = self.logs] in
            [
                .counter(
                    "needletail_telemetry_sent_batches_total", "Batches that the collector took.",
                    [(.none, clients.map(\.sentBatches).reduce(0, +))]),
                .counter(
                    "needletail_telemetry_failed_tries_total", "Tries to reach the collector that failed.",
                    [(.none, clients.map(\.failedTries).reduce(0, +))]),
                .counter(
                    "needletail_telemetry_dropped_requests_total", "Requests whose spans were dropped.",
                    [(.none, spans?.dropped ?? 0)]),
                .counter(
                    "needletail_telemetry_dropped_log_lines_total", "Log lines that the collector never got.",
                    [(.none, logs?.dropped ?? 0)]),
            ]
        }
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
        let lag = EventLoopLag(self.group, into: histogram, time: self.time)
        self.lag.withLock { $0 = lag }
        await withDiscardingTaskGroup { group in
            if let spans = self.spans { group.addTask { await spans.run() } }
            if let metrics = self.metrics { group.addTask { await metrics.run() } }
            if let logs = self.logs { group.addTask { await logs.run() } }
            if let history = self.recent.history { group.addTask { await history.run() } }
        }
    }

    /// Sends what waits, for at most a few seconds, and closes the connections to the collector.
    func shutdown() async {
        self.lag.withLock { $0.take() }?.stop()
        await withTaskGroup(of: Void.self) { [time = self.time] group in
            group.addTask {
                await self.spans?.flush()
                await self.metrics?.flush()
                await self.logs?.flush()
            }
            group.addTask { try? await time.sleep(time.now().advanced(by: Self.farewell)) }
            await group.next()
            group.cancelAll()
        }
        await self.recent.history?.close()
        for pool in self.pools { await pool.shutdown() }
    }
}
