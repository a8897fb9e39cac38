import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

@testable import NeedletailControl

/// A whole gateway, as `needletail serve` runs it, on ports of its own.
struct TestGateway {
    let process: GatewayProcess
    let port: Int
    let adminPort: Int
    let log: LogCapture

    /// Starts a gateway from the text of a configuration file; listeners are added to it.
    ///
    /// - Parameter file: Where the text is written first, for who reloads it; `nil` for no file.
    static func start(
        _ yaml: String, listen: String = "", environment: [String: String] = [:], time: TimeSource = .live,
        file: URL? = nil
    )
        async throws -> Self
    {
        let text =
            "listen: { api: \"127.0.0.1:0\", admin: \"127.0.0.1:0\"\(listen.isEmpty ? "" : ", " + listen) }\n" + yaml
        let loader = ConfigurationLoader(types: .version, environment: environment)
        try file.map { try Data(text.utf8).write(to: $0) }
        let configuration =
            try file.map { try loader.load(file: $0.path) } ?? loader.load(text: text, named: "test.yaml")
        let log = LogCapture()
        let process = try GatewayProcess(
            configuration,
            GatewayProcess.Surroundings(
                environment: environment, group: .singleton, time: time, logger: Logger(label: "test") { _ in log }))
        let addresses = try await process.start()
        return Self(process: process, port: addresses.api.port ?? 0, adminPort: addresses.admin.port ?? 0, log: log)
    }

    /// What `/health/metrics` would tell, all models together.
    var counts: Counts {
        let snapshot = self.process.stack.totals.snapshot()
        var counts = Counts(unanswered: snapshot.unanswered)
        for row in snapshot.rows.values {
            counts.requests += row.requests
            counts.failed += row.failed
            counts.abandoned += row.abandoned
            counts.withoutUsage += row.withoutUsage
            counts.inputTokens += row.inputTokens
            counts.outputTokens += row.outputTokens
        }
        return counts
    }

    struct Counts: Equatable {
        var requests = 0
        var failed = 0
        var abandoned = 0
        var withoutUsage = 0
        var inputTokens = 0
        var outputTokens = 0
        var unanswered = 0
    }

    func connect() async throws -> TestClient { try await TestClient.connect(self.port) }
    func stop() async { await self.process.drain() }
}

/// Runs `body` against a gateway, and stops it.
func withGateway<Result>(
    _ yaml: String,
    listen: String = "drain: 0s",
    time: TimeSource = .live,
    _ body: (TestGateway) async throws -> Result
) async throws -> Result {
    let gateway = try await TestGateway.start(yaml, listen: listen, time: time)
    do {
        let result = try await body(gateway)
        await gateway.stop()
        return result
    } catch {
        await gateway.stop()
        throw error
    }
}

/// Runs `body` against the mock upstream on sockets, whose delays are by `time`.
func withMock<Result>(
    _ script: MockScript,
    time: TimeSource = .live,
    tls: EdgeTLS? = nil,
    _ body: (_ engine: MockEngine, _ port: Int) async throws -> Result
) async throws -> Result {
    let engine = MockEngine(script: script)
    let server = EdgeServer(
        configuration: EdgeConfiguration(port: 0, tls: tls),
        handler: MockServerHandler(engine: engine, time: time),
        group: .singleton,
        time: .live,
        logger: Logger(label: "mock") { _ in SwiftLogNoOpLogHandler() }
    )
    let address = try await server.start()
    do {
        let result = try await body(engine, address.port ?? 0)
        await server.shutdown()
        return result
    } catch {
        await server.shutdown()
        throw error
    }
}

/// Returns when `condition` holds; the suite's time limit ends a wait that is in vain.
func eventually(_ condition: () -> Bool) async {
    while !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
}

/// The live clock, which a test can put forward.
final class ShiftedTime: Sendable {
    private let shift = Atomic<Int64>(0)

    var source: TimeSource {
        TimeSource(
            now: { TimeSource.live.now().advanced(by: .nanoseconds(self.shift.load(ordering: .relaxed))) },
            wallSeconds: { TimeSource.live.wallSeconds() },
            sleep: { until throws(CancellationError) in
                let shift = self.shift.load(ordering: .relaxed)
                try await TimeSource.live.sleep(until.advanced(by: .nanoseconds(-shift)))
            }
        )
    }

    func advance(seconds: Int64) { self.shift.add(seconds * 1_000_000_000, ordering: .relaxed) }
}

/// Keeps what is logged.
final class LogCapture: LogHandler {
    /// One line.
    struct Line: Sendable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let kept = Mutex<[Line]>([])
    var logLevel: Logger.Level {
        get { .debug }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let metadata = (event.metadata ?? [:]).mapValues { "\($0)" }
        self.kept.withLock { $0.append(Line(level: event.level, message: "\(event.message)", metadata: metadata)) }
    }

    var lines: [Line] { self.kept.withLock { $0 } }
}
