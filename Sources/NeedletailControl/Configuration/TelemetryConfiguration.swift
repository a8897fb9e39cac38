/// What is logged, counted and traced, and how.
public struct TelemetryConfiguration: Sendable, Hashable {
    /// How a log line is written.
    public enum Format: String, Sendable, Hashable {
        /// One JSON object a line.
        case json
        /// Text for people.
        case text
    }

    /// The name of swift-log's level. Default `info`.
    public var logLevel = "info"
    /// The form; `nil` for text on a terminal and JSON elsewhere.
    public var logFormat: Format?
    /// How many models at providers, and how many keys, the metrics tell apart; further ones are `other`. Default 500.
    public var maximumSeries = 500

    /// The defaults.
    public init() {}
}
