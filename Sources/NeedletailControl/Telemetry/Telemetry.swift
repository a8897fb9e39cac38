import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// All that shows what the gateway does; lives as long as the process, whatever configurations come and go.
final class Telemetry: Sendable {
    /// The metrics.
    let registry = MetricRegistry()
    /// Requests under way.
    let inFlight = InFlightCount()
    /// Who hears of requests, in this order.
    let observers: [any RequestObserver]
    private let lag = Mutex<EventLoopLag?>(nil)

    /// Creates the telemetry that a configuration asks for.
    init(_ configuration: TelemetryConfiguration, time: TimeSource) {
        self.observers = [RequestMetrics(self.registry, capacity: configuration.maximumSeries)]
        let (inFlight, started) = (self.inFlight, time.wallSeconds())
        self.registry.collect {
            [
                .gauge("needletail_requests_in_flight", "Requests under way.", Double(inFlight.value)),
                .gauge(
                    "needletail_build_info", "The version that runs; always 1.",
                    [(MetricLabels(["version": NeedletailVersion.current]), 1)]),
                .gauge("needletail_start_time_seconds", "When the gateway began, since unix epoch.", Double(started)),
            ]
        }
        self.registry.collect { ProcessMetrics.read() }
    }

    /// Begins to measure event loops.
    func watch(_ group: any EventLoopGroup, time: TimeSource) {
        let histogram = self.registry.histograms(
            "needletail_event_loop_lag_seconds", "How late event loops come to what is due.", digits: 9,
            bounds: HistogramBounds.lag
        ).histogram()
        self.lag.withLock { $0 = EventLoopLag(group, into: histogram, time: time) }
    }

    /// The answer of `/metrics`.
    func metrics(accept: String?) -> EdgeResponse {
        let format = MetricExposition.Format(accept: accept)
        return EdgeResponse(
            status: 200, headers: [.contentType: format.contentType, .cacheControl: "no-store"],
            body: MetricExposition.text(self.registry.read(), format))
    }

    /// Ends what runs beside the requests.
    func stop() {
        self.lag.withLock { $0.take() }?.stop()
    }
}
