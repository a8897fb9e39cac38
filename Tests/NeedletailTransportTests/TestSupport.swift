import HTTPTypes
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTransport
import Synchronization

/// A clock that moves when a test says so.
final class ManualClock: Sendable {
    private let nanoseconds = Atomic<Int64>(1_000_000_000)

    func advance(by duration: Duration) {
        self.nanoseconds.wrappingAdd(duration.wholeNanoseconds, ordering: .sequentiallyConsistent)
    }

    var source: TimeSource {
        TimeSource(
            now: { Instant(nanoseconds: self.nanoseconds.load(ordering: .sequentiallyConsistent)) },
            wallSeconds: { 1_700_000_000 },
            sleep: { _ throws(CancellationError) in throw CancellationError() }
        )
    }
}

/// A pool to a server on loopback, with a clock of its own.
struct Fixture: Sendable {
    let pool: UpstreamPool
    let clock: ManualClock

    init(
        _ port: Int,
        scheme: Origin.Scheme = .http,
        host: String = "127.0.0.1",
        options: TransportOptions = TransportOptions(),
        group: any EventLoopGroup
    ) throws {
        self.clock = ManualClock()
        self.pool = try UpstreamPool(
            origin: Origin(scheme: scheme, host: host, port: port),
            options: options,
            group: group,
            time: self.clock.source,
            logger: Logger(label: "test")
        )
    }

    func get(_ path: String = "/", timeouts: Timeouts = Timeouts()) async throws(NeedletailError) -> (Int, String) {
        let response = try await self.pool.send(TransportRequest(method: .get, path: path, timeouts: timeouts))
        let body = try await response.body.collect(upTo: 1 << 24)
        return (response.status, String(buffer: body))
    }
}

/// Lines in the order of their coming.
final class Log: Sendable {
    private let state = Mutex<[String]>([])
    func add(_ line: String) { self.state.withLock { $0.append(line) } }
    var lines: [String] { self.state.withLock { $0 } }
}

/// The error that `body` throws.
func failure(_ body: () async throws(NeedletailError) -> Void) async -> NeedletailError? {
    do {
        try await body()
        return nil
    } catch {
        return error
    }
}

/// Gives other tasks and loops their turn until `condition` holds.
func eventually(_ condition: () async -> Bool) async -> Bool {
    // No count of turns: on a busy machine the other thread may not run for many. The suite's time limit ends it.
    while !Task.isCancelled {
        if await condition() { return true }
        try? await MultiThreadedEventLoopGroup.singleton.next().submit {}.get()
        try? await Task.sleep(for: .microseconds(200))
    }
    return await condition()
}

/// Gives other tasks and loops some turns, so that what should not happen has its chance.
func settle(turns: Int) async {
    for _ in 0..<turns {
        try? await MultiThreadedEventLoopGroup.singleton.next().submit {}.get()
        await Task.yield()
    }
}

extension String {
    /// The range of a part, without Foundation.
    func range(of part: String) -> Range<String.Index>? {
        self.indices.first { self[$0...].hasPrefix(part) }.map { $0..<self.index($0, offsetBy: part.count) }
    }

    /// The text as an answer of known length.
    var asResponse: String { "HTTP/1.1 200 OK\r\ncontent-length: \(self.utf8.count)\r\n\r\n\(self)" }
}
