import NeedletailCore

/// Where OpenTelemetry's signals are sent: OTLP over HTTP with Protocol Buffers.
public struct OTLPConfiguration: Sendable, Equatable {
    /// One kind of signal.
    public enum Signal: String, Sendable, Hashable, CaseIterable {
        /// Spans.
        case traces
        /// Metrics.
        case metrics
        /// Log lines.
        case logs
    }

    /// Where each signal goes; one that is missing is not sent.
    public var endpoints: [Signal: HTTPURL] = [:]
    /// Headers of every request, for example a collector's key.
    public var headers: [Header] = []
    /// For one try. Default 10 s.
    public var timeout: Duration = .seconds(10)
    /// How often metrics are sent. Default 60 s.
    public var metricInterval: Duration = .seconds(60)
    /// The most requests whose spans wait, and the most log lines. Default 8192.
    public var queue = 8_192
    /// The most requests or lines in a batch. Default 512.
    public var batch = 512
    /// How long a span or line waits for others. Default 5 s.
    public var delay: Duration = .seconds(5)
    /// What the service is called. Default `needletail`.
    public var serviceName = "needletail"
    /// What else is told of it, in order.
    public var attributes: [Attribute] = []

    /// A header; its value may be a credential.
    public struct Header: Sendable, Equatable {
        /// Its name.
        public var name: String
        /// Its value.
        public var value: Secret
    }

    /// A resource attribute.
    public struct Attribute: Sendable, Hashable {
        /// Its name, `deployment.environment.name`.
        public var name: String
        /// Its value.
        public var value: String
    }

    /// The defaults, with nowhere to send to.
    public init() {}
}
