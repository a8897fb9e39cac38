import Logging
import NeedletailCore

/// Logs one line per request.
final class RequestLog: RequestObserver {
    private let writer: LogWriter
    private let levels: LogLevels
    private let wanted: TelemetryConfiguration.RequestLines
    private let time: TimeSource

    init(
        _ writer: LogWriter, levels: LogLevels, wanted: TelemetryConfiguration.RequestLines, time: TimeSource
    ) {
        self.writer = writer
        self.levels = levels
        self.wanted = wanted
        self.time = time
    }

    func requestEnded(_ request: RequestRecord) {
        switch self.wanted {
        case .off: return
        case .errors where request.error == nil: return
        case .all, .errors: break
        }
        let level = self.levels.level(of: LogLevels.requests)
        guard level <= RequestLogLine.level(request) else { return }
        self.writer.write(.request(request, isDetailed: level <= .debug))
    }

    func requestRefused(_ refusal: RefusalRecord) {
        guard self.wanted != .off, self.levels.level(of: LogLevels.requests) <= .info else { return }
        self.writer.write(.refusal(refusal, wallNanoseconds: self.time.wallNanoseconds()))
    }
}
