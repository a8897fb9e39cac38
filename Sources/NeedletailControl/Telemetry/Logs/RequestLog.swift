import Logging
import NeedletailCore
import Synchronization

/// Logs one line per request.
final class RequestLog: RequestObserver {
    private let writer: LogWriter
    private let levels: LogLevels
    /// Its place among the cases.
    private let wanted: Atomic<Int>
    private let time: TimeSource

    init(
        _ writer: LogWriter, levels: LogLevels, wanted: TelemetryConfiguration.RequestLines, time: TimeSource
    ) {
        self.writer = writer
        self.levels = levels
        self.wanted = Atomic(Self.place(wanted))
        self.time = time
    }

    /// Says anew which requests have a line.
    func replace(_ wanted: TelemetryConfiguration.RequestLines) {
        self.wanted.store(Self.place(wanted), ordering: .relaxed)
    }

    private static let cases = TelemetryConfiguration.RequestLines.allCases
    private static func place(_ wanted: TelemetryConfiguration.RequestLines) -> Int {
        self.cases.firstIndex(of: wanted) ?? 0
    }
    private var lines: TelemetryConfiguration.RequestLines { Self.cases[self.wanted.load(ordering: .relaxed)] }

    func requestEnded(_ request: RequestRecord) {
        switch self.lines {
        case .off: return
        case .errors where request.error == nil: return
        case .all, .errors: break
        }
        let level = self.levels.level(of: LogLevels.requests)
        guard level <= RequestLogLine.level(request) else { return }
        self.writer.write(.request(request, isDetailed: level <= .debug))
    }

    func requestRefused(_ refusal: RefusalRecord) {
        guard self.lines != .off, self.levels.level(of: LogLevels.requests) <= .info else { return }
        self.writer.write(.refusal(refusal, wallNanoseconds: self.time.wallNanoseconds()))
    }
}
