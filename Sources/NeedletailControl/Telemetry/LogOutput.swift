import Foundation
import Logging

/// Where log lines go: standard error, as text for people or one JSON object a line.
enum LogOutput {
    /// Makes the logger of a process, by its configuration.
    static func logger(_ telemetry: TelemetryConfiguration) -> Logger {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let format = telemetry.logFormat ?? (isTerminal ? .text : .json)
        var logger = Logger(label: "needletail") { label in
            switch format {
            case .text: StreamLogHandler.standardError(label: label)
            case .json: JSONLogHandler()
            }
        }
        logger.logLevel = Logger.Level(rawValue: telemetry.logLevel) ?? .info
        return logger
    }
}
