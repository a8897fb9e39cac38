import Logging
import NeedletailCore
import Synchronization

/// Takes what the program logs, as swift-log asks: judges it by its module's level, holds repetitions back and gives the
/// rest to the writer.
struct WriterLogHandler: LogHandler {
    private final class Shared: Sendable {
        let sampler = Mutex(LogSamplerState())
    }

    private let writer: LogWriter
    private let levels: LogLevels
    private let time: TimeSource
    private let shared = Shared()
    var metadata = Logger.Metadata()

    init(_ writer: LogWriter, levels: LogLevels, time: TimeSource) {
        self.writer = writer
        self.levels = levels
        self.time = time
    }

    /// The lowest level of any module; setting it sets the level of all.
    var logLevel: Logger.Level {
        get { self.levels.minimum }
        set { self.levels.set(newValue, of: nil) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        guard self.levels.level(of: event.source) <= event.level else { return }
        let message = event.message.description
        let (passes, held) = self.shared.sampler.withLock {
            $0.admit(event.source + " " + message, now: self.time.now())
        }
        guard passes else { return }
        let all = self.metadata.merging(event.metadata ?? [:]) { _, new in new }
        var values = all.sorted { $0.key < $1.key }
            .map { (key: Self.name($0.key), value: LogLine.Value.text($0.value.description)) }
        if held > 0 { values.append((key: "repeated", value: .integer(held))) }
        let line = LogLine(
            wallNanoseconds: self.time.wallNanoseconds(), level: event.level, module: event.source, message: message,
            metadata: values)
        self.writer.write(.line(line))
    }

    /// Names are written as the lines of requests write them.
    private static func name(_ key: String) -> String {
        key.hasPrefix("needletail.") ? String(key.dropFirst(11)) : key
    }
}
