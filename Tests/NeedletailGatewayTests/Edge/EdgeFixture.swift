import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import Synchronization

@testable import NeedletailGateway

/// A clock that moves when a test says so.
final class ManualTime: Sendable {
    private struct Sleeper {
        let until: Instant
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now = Instant(nanoseconds: 1_000_000_000)
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state = Mutex(State())

    var source: TimeSource {
        TimeSource(
            now: { self.state.withLock { $0.now } },
            wallSeconds: { 784_111_777 },  // Sun, 06 Nov 1994 08:49:37 GMT
            sleep: { until throws(CancellationError) in
                await self.sleep(until)
                if Task.isCancelled { throw CancellationError() }
            }
        )
    }

    func advance(_ duration: Duration) {
        let due = self.state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in due { continuation.resume() }
    }

    /// How many wait.
    var sleepers: Int { self.state.withLock { $0.sleepers.count } }

    private func sleep(_ until: Instant) async {
        let id = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = self.state.withLock { state in
                    if state.now >= until || state.cancelled.contains(id) { return true }
                    state.sleepers[id] = Sleeper(until: until, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let sleeper = self.state.withLock { state in
                state.cancelled.insert(id)
                return state.sleepers.removeValue(forKey: id)
            }
            sleeper?.continuation.resume()
        }
    }
}

/// Something that happens once, for tests to wait for.
final class Signal: Sendable {
    private struct State {
        var count = 0
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func fire() {
        let due = self.state.withLock { state in
            state.count += 1
            let due = state.waiters.filter { $0.count <= state.count }
            state.waiters.removeAll { $0.count <= state.count }
            return due
        }
        for waiter in due { waiter.continuation.resume() }
    }

    var count: Int { self.state.withLock { $0.count } }

    /// Returns when it has happened `count` times.
    func wait(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                if state.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}

/// A handler made of closures. Without any, it echoes method, target and body.
struct ScriptedHandler: EdgeHandler {
    var refuse: @Sendable (HTTPRequestHead) -> EdgeResponse? = { _ in nil }
    var answer: @Sendable (EdgeRequest, EdgeResponder) async -> Void = { request, responder in
        let text = "\(request.head.method.rawValue) \(request.head.uri) [\(String(buffer: request.body))]"
        responder.send(EdgeResponse(status: 200, body: ByteBuffer(string: text)))
    }

    func admit(_ head: HTTPRequestHead) -> EdgeAdmission { self.refuse(head).map { .refused($0) } ?? .admitted() }

    func respond(to request: EdgeRequest, through responder: EdgeResponder) async {
        await self.answer(request, responder)
    }

    func failure(_ error: NeedletailError, for head: HTTPRequestHead?) -> EdgeResponse {
        EdgeResponse(
            status: error.disposition.status, body: ByteBuffer(string: "<\(error.code) \(head?.uri ?? "-")>"))
    }
}

/// Runs `body` against a server on a port of its own.
func withServer(
    _ handler: any EdgeHandler,
    limits: EdgeLimits = EdgeLimits(),
    cors: CORSPolicy? = nil,
    tls: EdgeTLS? = nil,
    time: ManualTime = ManualTime(),
    phase: ServingPhase = ServingPhase(),
    _ body: (EdgeServer, Int) async throws -> Void
) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = EdgeServer(
        configuration: EdgeConfiguration(port: 0, limits: limits, tls: tls, cors: cors, tickInterval: nil),
        handler: handler,
        group: group,
        time: time.source,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        phase: phase
    )
    let address = try await server.start()
    do {
        try await body(server, address.port ?? 0)
    } catch {
        await server.shutdown()
        try await group.shutdownGracefully()
        throw error
    }
    await server.shutdown()
    try await group.shutdownGracefully()
}
