import Foundation
import Logging
import NIOCore
import NeedletailCore

/// Writes one JSON object a line to standard error.
struct JSONLogHandler: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var json = JSONWriter()
        json.beginObject()
        json.member("time", Date(timeIntervalSince1970: Double(TimeSource.live.wallSeconds())).ISO8601Format())
        json.member("level", event.level.rawValue)
        json.member("event", event.message.description)
        let all = self.metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            json.key(key)
            json.string(value.description)
        }
        json.endObject()
        // One write per line, so that lines of several threads do not mix.
        try? FileHandle.standardError.write(contentsOf: Data(String(buffer: json.bytes).utf8) + [0x0A])
    }
}
