import Foundation
import Logging
import NeedletailCore

/// Where log lines go: standard error, as text for people or one JSON object a line.
struct LogOutput: Sendable {
    /// For everybody who logs.
    let logger: Logger
    /// Writes what is logged.
    let writer: LogWriter
    /// What is logged.
    let levels: LogLevels
    /// The form where the configuration names none.
    private let usual: LogFormat
    private let isColored: Bool

    /// Makes the log of a process, by its configuration.
    static func make(
        _ telemetry: TelemetryConfiguration, environment: [String: String], time: TimeSource = .live
    ) -> Self {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let log = Self(
            LogWriter(.json), telemetry, time, isTerminal: isTerminal,
            isColored: isTerminal && Self.allowsColor(environment))
        log.writer.replace(log.format(telemetry.logFormat))
        return log
    }

    /// The form of the lines.
    ///
    /// - Parameter wanted: What the configuration says; `nil` for text on a terminal and JSON elsewhere.
    func format(_ wanted: TelemetryConfiguration.Format?) -> LogFormat {
        switch wanted {
        case .text: .text(isColored: self.isColored)
        case .json: .json
        case nil: self.usual
        }
    }

    init(
        _ writer: LogWriter, _ telemetry: TelemetryConfiguration, _ time: TimeSource, isTerminal: Bool = false,
        isColored: Bool = false
    ) {
        self.usual = isTerminal ? .text(isColored: isColored) : .json
        self.isColored = isColored
        let levels = LogLevels(telemetry.level, modules: telemetry.moduleLevels)
        self.writer = writer
        self.levels = levels
        self.logger = Logger(label: "needletail") { _ in
            WriterLogHandler(writer, levels: levels, time: time)
        }
    }

    /// As [no-color.org](https://no-color.org) asks.
    static func allowsColor(_ environment: [String: String]) -> Bool {
        environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }
}
