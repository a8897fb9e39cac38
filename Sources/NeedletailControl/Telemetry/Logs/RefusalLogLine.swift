import Logging
import NIOCore
import NeedletailCore

/// The line of a request that was refused before anybody was asked.
struct RefusalLogLine {
    private let record: RefusalRecord
    private let wallNanoseconds: Int64

    init(_ record: RefusalRecord, wallNanoseconds: Int64) {
        self.record = record
        self.wallNanoseconds = wallNanoseconds
    }

    /// Appends the line as JSON.
    func writeJSON(into bytes: inout ByteBuffer) {
        let record = self.record
        bytes.writeJSONLine { json in
            json.beginObject()
            json.member("timestamp", LogTime.text(self.wallNanoseconds))
            json.member("level", Logger.Level.info.rawValue)
            json.member("event", "request_refused")
            json.member("request_id", LogLine.cut(record.requestID))
            json.member("surface", record.surface.rawValue)
            json.member("status", record.status)
            json.member("key", record.keyName)
            json.member("error_type", record.error.code.metricName)
            json.member("error", LogLine.cut(record.error.message))
            json.endObject()
        }
    }

    /// Appends the line as text.
    func writeText(_ isColored: Bool, into bytes: inout ByteBuffer) {
        let style = LogStyle(isColored)
        var text = style.start(self.wallNanoseconds, .info)
        text += style.color(String(self.record.status), 33)
        text += " refused: " + LogStyle.plain(LogLine.cut(self.record.error.message))
        text += " " + style.faint(self.record.requestID)
        bytes.writeString(text + "\n")
    }
}
