import Foundation
import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Logs: the writer, levels and repetitions", .timeLimit(.minutes(5)))
struct LogWriterTests {
    /// A reader that may be stuck.
    private final class Sink: Sendable {
        private let text = Mutex("")
        private let gate = NSCondition()
        private let isOpen = Mutex(true)

        init(isOpen: Bool = true) { self.isOpen.withLock { $0 = isOpen } }

        var lines: [String] { self.text.withLock { $0.split(separator: "\n").map(String.init) } }

        func open() {
            self.gate.lock()
            self.isOpen.withLock { $0 = true }
            self.gate.broadcast()
            self.gate.unlock()
        }

        func write(_ bytes: ByteBuffer) -> Bool {
            self.gate.lock()
            while !self.isOpen.withLock({ $0 }) { self.gate.wait() }
            self.gate.unlock()
            self.text.withLock { $0 += String(buffer: bytes) }
            return true
        }
    }

    private static func line(_ text: String) -> LogWriter.Entry {
        .line(LogLine(wallNanoseconds: 0, level: .info, module: "Test", message: text, metadata: []))
    }

    @Test("all lines are written, in order, before it stops")
    func order() {
        let sink = Sink()
        let writer = LogWriter(.json) { sink.write($0) }
        for index in 0..<5_000 { writer.write(Self.line("\(index)")) }
        writer.stop(within: .seconds(60))
        let expected = (0..<5_000).map { "\"event\":\"\($0)\"" }
        #expect(sink.lines.count == expected.count && zip(sink.lines, expected).allSatisfy { $0.contains($1) })
        #expect(writer.writtenLines == 5_000 && writer.droppedLines == 0)
        writer.write(Self.line("too late"))
        #expect(writer.droppedLines == 1)
    }

    @Test("a reader that is stuck costs lines, which are counted, and nobody waits for it")
    func stuck() {
        let sink = Sink(isOpen: false)
        let writer = LogWriter(.json, capacity: 10) { sink.write($0) }
        for index in 0..<1_000 { writer.write(Self.line("\(index)")) }
        let dropped = writer.droppedLines
        // Those that the thread took before it was stuck, and a bufferful.
        #expect((1_000 - 20...1_000 - 10).contains(dropped))
        writer.stop(within: .milliseconds(1))
        sink.open()
        writer.stop(within: .seconds(60))
        #expect(writer.writtenLines == 1_000 - dropped)
        #expect(sink.lines.contains { $0.contains(#""event":"Log lines were dropped"#) && $0.contains("\"count\":") })
    }

    @Test("what is logged has its module's level, and a level may change while it runs")
    func levels() {
        let sink = Sink()
        let writer = LogWriter(.json) { sink.write($0) }
        var telemetry = TelemetryConfiguration()
        telemetry.logModules = ["transport": "debug"]
        let log = LogOutput(writer, telemetry, JumpingTime().source)
        func all(_ text: String) {
            log.logger.debug("transport \(text)", source: "NeedletailTransport")
            log.logger.debug("gateway \(text)", source: "NeedletailGateway")
            log.logger.info("gateway info \(text)", metadata: ["needletail.provider": "p"], source: "NeedletailGateway")
        }
        all("1")
        log.levels.set(.debug, of: nil)
        log.levels.set(.error, of: "gateway")
        all("2")
        log.levels.set(nil, of: "gateway")
        all("3")
        writer.stop()
        let events = sink.lines.map { $0.split(separator: #""event":""#)[1].prefix { $0 != "\"" } }
        #expect(
            events == [
                "transport 1", "gateway info 1", "transport 2", "transport 3", "gateway 3", "gateway info 3",
            ])
        #expect(sink.lines[1].hasSuffix(#""module":"NeedletailGateway","provider":"p"}"#))
    }

    @Test("form and wanted lines may change while it runs")
    func replaced() {
        let sink = Sink()
        let writer = LogWriter(.json) { sink.write($0) }
        let log = RequestLog(writer, levels: LogLevels(.info), wanted: .off, time: JumpingTime().source)
        log.requestEnded(RecordSamples.request())
        log.replace(.all)
        log.requestEnded(RecordSamples.request())
        while writer.writtenLines < 1 { Thread.sleep(forTimeInterval: 0.001) }
        writer.replace(.text(isColored: false))
        log.replace(.errors)
        log.requestEnded(RecordSamples.request())
        log.requestEnded(RecordSamples.request(error: NeedletailError(.timedOut, "Late.")))
        writer.stop(within: .seconds(60))
        let lines = sink.lines
        #expect(lines.count > 1 && lines[0].hasPrefix("{") && lines.dropFirst().allSatisfy { !$0.hasPrefix("{") })
        #expect(writer.writtenLines == 2, "\(lines)")
    }

    @Test("repetitions are held back and counted")
    func sampling() {
        var state = LogSamplerState()
        var now = Instant(nanoseconds: 0)
        var passed = 0
        for _ in 0..<1_000 {
            if state.admit("same", now: now).passes { passed += 1 }
            now = now.advanced(by: .milliseconds(1))
        }
        #expect(passed == LogSamplerState.burst)
        #expect(state.admit("other", now: now) == (true, 0))
        now = now.advanced(by: LogSamplerState.window)
        #expect(state.admit("same", now: now) == (true, 1_000 - LogSamplerState.burst))
    }

    @Test("the kinds that are told apart are bounded, and what is unknown passes")
    func kinds() {
        var state = LogSamplerState()
        for index in 0..<10_000 { #expect(state.admit("kind \(index)", now: Instant(nanoseconds: 0)).passes) }
        let later = Instant(nanoseconds: 0).advanced(by: .seconds(60))
        #expect(state.admit("new", now: later) == (true, 0))
        for _ in 0..<20 { _ = state.admit("new", now: later) }
        #expect(!state.admit("new", now: later).passes)
    }

    @Test("requests have lines as the configuration says", arguments: TelemetryConfiguration.RequestLines.allCases)
    func requests(wanted: TelemetryConfiguration.RequestLines) {
        let sink = Sink()
        let writer = LogWriter(.json) { sink.write($0) }
        let log = RequestLog(writer, levels: LogLevels(.info), wanted: wanted, time: JumpingTime().source)
        log.requestEnded(RecordSamples.request())
        log.requestEnded(RecordSamples.request(error: NeedletailError(.timedOut, "Late.")))
        log.requestRefused(
            RefusalRecord(
                requestID: "r", surface: .openAIChat, status: 401, error: NeedletailError(.unauthorized, "No.")))
        let quiet = RequestLog(
            writer, levels: LogLevels(.info, modules: ["requests": .error]), wanted: wanted, time: JumpingTime().source)
        quiet.requestEnded(RecordSamples.request(error: NeedletailError(.timedOut, "Late.")))
        writer.stop()
        let expected = [TelemetryConfiguration.RequestLines.all: 3, .errors: 2, .off: 0]
        #expect(sink.lines.count == expected[wanted])
    }
}
