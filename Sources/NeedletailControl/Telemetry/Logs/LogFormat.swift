import Foundation
import Logging
import NIOCore
import NeedletailCore

/// How log lines are written: a JSON object a line, or text for people.
enum LogFormat: Sendable, Hashable {
    case json
    case text(isColored: Bool)

    /// Appends what an entry says.
    func write(_ entry: LogWriter.Entry, into bytes: inout ByteBuffer) {
        switch entry {
        case .line(let line): line.write(self, into: &bytes)
        case .request(let record, let isDetailed):
            switch self {
            case .json: RequestLogLine(record, isDetailed: isDetailed).writeJSON(into: &bytes)
            case .text(let isColored): RequestLogLine(record, isDetailed: isDetailed).writeText(isColored, into: &bytes)
            }
        case .refusal(let record, let time):
            switch self {
            case .json: RefusalLogLine(record, wallNanoseconds: time).writeJSON(into: &bytes)
            case .text(let isColored):
                RefusalLogLine(record, wallNanoseconds: time).writeText(isColored, into: &bytes)
            }
        case .alert(let event):
            switch self {
            case .json: AlertLogLine(event).writeJSON(into: &bytes)
            case .text(let isColored): AlertLogLine(event).writeText(isColored, into: &bytes)
            }
        }
    }

    /// Appends that lines are missing.
    func writeDropped(_ count: Int, into bytes: inout ByteBuffer) {
        let time = TimeSource.live.wallNanoseconds()
        let line = LogLine(
            wallNanoseconds: time, level: .warning, module: "NeedletailControl",
            message: "Log lines were dropped: whoever reads the log is too slow.",
            metadata: [("count", .integer(count))])
        line.write(self, into: &bytes)
    }
}
