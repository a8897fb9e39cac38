import Logging
import NIOCore
import NeedletailCore

/// One line that somebody logged.
struct LogLine: Sendable {
    /// A value beside the message.
    enum Value: Sendable {
        case text(String)
        case integer(Int)
    }

    var wallNanoseconds: Int64
    var level: Logger.Level
    /// The module that it comes from, `NeedletailTransport`.
    var module: String
    var message: String
    var metadata: [(key: String, value: Value)]

    /// Appends the line.
    func write(_ format: LogFormat, into bytes: inout ByteBuffer) {
        switch format {
        case .json: self.writeJSON(into: &bytes)
        case .text(let isColored): self.writeText(isColored, into: &bytes)
        }
    }

    private func writeJSON(into bytes: inout ByteBuffer) {
        bytes.writeJSONLine { json in
            json.beginObject()
            json.member("timestamp", LogTime.text(self.wallNanoseconds))
            json.member("level", self.level.rawValue)
            json.member("event", Self.cut(self.message))
            json.member("module", self.module)
            for (key, value) in self.metadata {
                json.key(key)
                switch value {
                case .text(let text): json.string(Self.cut(text))
                case .integer(let number): json.int(number)
                }
            }
            json.endObject()
        }
    }

    private func writeText(_ isColored: Bool, into bytes: inout ByteBuffer) {
        var text = LogStyle(isColored).start(self.wallNanoseconds, self.level)
        text += LogStyle.plain(Self.cut(self.message))
        for (key, value) in self.metadata {
            switch value {
            case .text(let value): text += " \(key)=\(LogStyle.plain(Self.cut(value)))"
            case .integer(let number): text += " \(key)=\(number)"
            }
        }
        bytes.writeString(text + "\n")
    }

    static func cut(_ text: String) -> String { TelemetryText.cut(text) }
}
