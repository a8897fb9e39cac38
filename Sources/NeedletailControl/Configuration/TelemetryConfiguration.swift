import Logging
import NeedletailCore

/// What is logged, counted and traced, and how.
public struct TelemetryConfiguration: Sendable, Equatable {
    /// How a log line is written.
    public enum Format: String, Sendable, Hashable {
        /// One JSON object a line.
        case json
        /// Text for people.
        case text
    }

    /// Which requests have a line in the log.
    public enum RequestLines: String, Sendable, Hashable, CaseIterable {
        /// Every one.
        case all
        /// Those that failed or were refused.
        case errors
        /// None.
        case off
    }

    /// The name of swift-log's level. Default `info`.
    public var logLevel = "info"
    /// The levels of single modules, by the names of ``LogLevels/modules``.
    public var logModules: [String: String] = [:]
    /// The form; `nil` for text on a terminal and JSON elsewhere.
    public var logFormat: Format?
    /// Which requests have a line. Default all.
    public var requestLines = RequestLines.all
    /// How many models at providers, and how many keys, the metrics tell apart; further ones are `other`. Default 500.
    public var maximumSeries = 500
    /// The share of the traces that begin here and are recorded, 0 to 1. Default 1.
    public var sampleRatio = 1.0
    /// Whether a trace that began elsewhere is recorded where it was there. Default true.
    public var followsParent = true
    /// Whether requests that failed are recorded although their trace is not. Default true.
    public var samplesErrors = true
    /// Whether providers are told of the trace. Default true.
    public var propagatesTrace = true
    /// Where signals are sent; `nil` for nowhere.
    public var otlp: OTLPConfiguration?

    /// How many requests the request log keeps; about 2 KiB each. Default 1,000.
    public var requestLogSize = 1_000

    /// A file with the requests of the past.
    public struct RequestHistory: Sendable, Equatable {
        /// The file.
        public var path: String
        /// How long a request is kept.
        public var retention: Duration
    }

    /// Where requests are kept when they have left memory; `nil` for nowhere.
    public var requestHistory: RequestHistory?

    /// The defaults.
    public init() {}

    var level: Logger.Level { Logger.Level(rawValue: self.logLevel) ?? .info }
    var moduleLevels: [String: Logger.Level] { self.logModules.compactMapValues { Logger.Level(rawValue: $0) } }
}
