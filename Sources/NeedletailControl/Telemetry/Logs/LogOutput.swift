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

    /// Makes the log of a process, by its configuration.
    static func make(
        _ telemetry: TelemetryConfiguration, environment: [String: String], time: TimeSource = .live
    ) -> Self {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let format: LogFormat
        switch telemetry.logFormat ?? (isTerminal ? .text : .json) {
        case .text: format = .text(isColored: isTerminal && Self.allowsColor(environment))
        case .json: format = .json
        }
        return Self(LogWriter(format), telemetry, time)
    }

    init(_ writer: LogWriter, _ telemetry: TelemetryConfiguration, _ time: TimeSource) {
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
