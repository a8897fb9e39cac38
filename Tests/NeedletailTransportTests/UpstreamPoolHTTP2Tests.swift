import HTTPTypes
import NIOCore
import NIOHTTP2
import NIOPosix
import NeedletailCore
import NeedletailTransport
import Synchronization
import Testing

@Suite("UpstreamPool over HTTP/2", .timeLimit(.minutes(15)))
struct UpstreamPoolHTTP2Tests {
    let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func fixture(_ server: HTTP2Server, _ change: (inout TransportOptions) -> Void = { _ in }) throws -> Fixture
    {
        var options = TransportOptions(tls: TLSOptions(roots: .file(try TestCertificates.shared.get().authority)))
        change(&options)
        return try Fixture(server.port, scheme: .https, host: "localhost", options: options, group: self.loop)
    }

    @Test("Concurrent requests share one connection, though all began before it was there")
    func multiplexing() async throws {
        let server = try await HTTP2Server(on: self.loop) { peer in
            peer.sendHead(status: 103)
            peer.sendHead([("content-type", "text/plain")])
            peer.send("\(peer.connection)\(peer.path)\(peer.body)", isEnd: true)
        }
        let fixture = try self.fixture(server)
        let bodies = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let body = ByteBuffer(string: number % 2 == 0 ? "" : ":\(number)")
                    let response = try await fixture.pool.send(TransportRequest(path: "/\(number)", body: body))
                    #expect(response.headers[.contentType] == "text/plain")
                    return String(buffer: try await response.body.collect(upTo: 100))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(bodies) == Set((0..<20).map { $0 % 2 == 0 ? "1/\($0)" : "1/\($0):\($0)" }))
        #expect(fixture.pool.counters.open == 1)
        await fixture.pool.shutdown()
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await server.stop()
    }

    @Test("Large bodies go both ways, trailers are left out")
    func large() async throws {
        let server = try await HTTP2Server(on: self.loop) { peer in
            peer.sendHead()
            peer.send("\(peer.body.utf8.count)\n")
            peer.send(ByteBuffer(repeating: 1, count: 1 << 20))
            peer.sendTrailers()
        }
        let fixture = try self.fixture(server)
        let request = TransportRequest(path: "/", body: ByteBuffer(repeating: UInt8(ascii: "x"), count: 300_000))
        var body = try await fixture.pool.send(request).body.collect(upTo: 1 << 22)
        #expect(body.readString(length: 7) == "300000\n")
        #expect(body.readableBytes == 1 << 20)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A refused stream is sent again once; another reset is an error")
    func resets() async throws {
        let server = try await HTTP2Server(on: self.loop) { peer in
            switch peer.path {
            case "/cut":
                peer.sendHead()
                peer.send("abc")
                peer.reset(.internalError)
            case "/refused":
                if peer.connection == 1 { peer.reset(.refusedStream) } else { fallthrough }
            default:
                peer.sendHead()
                peer.send("ok", isEnd: true)
            }
        }
        let fixture = try self.fixture(server)
        #expect(try await fixture.get("/refused").1 == "ok")
        #expect(fixture.pool.counters.staleRetries == 1)
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get("/cut") }
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("cut short") == true, "\(String(describing: error))")
        #expect(try await fixture.get("/").1 == "ok")
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("After GOAWAY running streams end well and new ones go elsewhere")
    func goAway() async throws {
        let server = try await Self.holding(held: Held(), on: self.loop)
        let fixture = try self.fixture(server.server)
        async let first = fixture.get("/hold")
        #expect(await eventually { server.held.peer != nil })
        server.held.peer?.goAway(last: 1)
        // The client has seen it when the connection no longer takes requests.
        #expect(try await Self.until(fixture, connection: "2"))
        server.held.peer?.send("late", isEnd: true)
        #expect(try await first.1 == "late")
        #expect(await eventually { fixture.pool.counters.open == 1 })
        await fixture.pool.shutdown()
        await server.server.stop()
    }

    @Test("The peer's limit of streams is kept")
    func streamLimit() async throws {
        let server = try await Self.holding(held: Held(), on: self.loop, maximumStreams: 1)
        let fixture = try self.fixture(server.server) { $0.maximumConnections = 1 }
        // The first answer makes sure that the settings have arrived.
        #expect(try await fixture.get("/now").1 == "1")
        async let first = fixture.get("/hold")
        #expect(await eventually { server.held.peer != nil })
        async let second = fixture.get("/now")
        #expect(await eventually { fixture.pool.counters.waiters == 1 })
        #expect(server.server.requests.lines == ["1 /now", "1 /hold"])
        server.held.peer?.send("x", isEnd: true)
        #expect(try await first.1 == "x")
        #expect(try await second.1 == "1")
        await fixture.pool.shutdown()
        await server.server.stop()
    }

    @Test("A cancelled request resets its stream and leaves the connection")
    func cancellation() async throws {
        let server = try await Self.holding(held: Held(), on: self.loop)
        let fixture = try self.fixture(server.server)
        let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/hold"))
        response.body.cancel()
        await server.held.peer?.untilClosed()
        #expect(try await fixture.get("/now").1 == "1")
        await fixture.pool.shutdown()
        await server.server.stop()
    }

    @Test(
        "Time limits end the stream, and the connection takes no more if it was silent all the while",
        arguments: [true, false])
    func timeouts(isSilent: Bool) async throws {
        let server = try await Self.holding(held: Held(), on: self.loop)
        let fixture = try self.fixture(server.server)
        let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/hold"))
        if !isSilent { #expect(try await fixture.get("/now").1 == "1") }
        fixture.clock.advance(by: .seconds(60))
        await fixture.pool.checkLimits()
        let error = await failure { () throws(NeedletailError) in _ = try await response.body.next() }
        #expect(error?.code == .timedOut)
        await server.held.peer?.untilClosed()
        #expect(try await fixture.get("/now").1 == (isSilent ? "2" : "1"))
        #expect(await eventually { fixture.pool.counters.open == 1 })
        await fixture.pool.shutdown()
        await server.server.stop()
    }

    @Test("A request's own short deadline says nothing of the connection")
    func shortDeadline() async throws {
        let server = try await Self.holding(held: Held(), on: self.loop)
        let fixture = try self.fixture(server.server)
        var request = TransportRequest(method: .get, path: "/hold")
        request.deadline = fixture.clock.source.now().advanced(by: .seconds(1))
        let response = try await fixture.pool.send(request)
        fixture.clock.advance(by: .seconds(2))
        await fixture.pool.checkLimits()
        let error = await failure { () throws(NeedletailError) in _ = try await response.body.next() }
        #expect(error?.code == .timedOut)
        #expect(try await fixture.get("/now").1 == "1")
        await fixture.pool.shutdown()
        await server.server.stop()
    }

    @Test("A reader that does not read stops its stream and no other")
    func backpressure() async throws {
        let sent = Sent()
        let server = try await HTTP2Server(on: self.loop) { peer in
            peer.sendHead()
            guard peer.path == "/big" else { return peer.send("ok", isEnd: true) }
            peer.send(ByteBuffer(repeating: 1, count: 1 << 20), isEnd: true).whenSuccess { sent.fire() }
        }
        let fixture = try self.fixture(server)
        let big = try await fixture.pool.send(TransportRequest(method: .get, path: "/big"))
        for _ in 0..<50 { #expect(try await fixture.get("/small").1 == "ok") }
        #expect(!sent.isFired)
        #expect(try await big.body.collect(upTo: 1 << 21).readableBytes == 1 << 20)
        #expect(fixture.pool.counters.open == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A connection that closes between requests is replaced")
    func closed() async throws {
        let server = try await HTTP2Server(on: self.loop) { peer in
            if peer.path == "/close", peer.connection == 1 { return peer.closeConnection() }
            peer.sendHead()
            peer.send("\(peer.connection)", isEnd: true)
        }
        let fixture = try self.fixture(server)
        #expect(try await fixture.get("/").1 == "1")
        #expect(try await fixture.get("/close").1 == "2")
        #expect(fixture.pool.counters.staleRetries == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Without HTTP/2 in the options it is not offered")
    func notOffered() async throws {
        let certificates = try TestCertificates.shared.get()
        let context = try certificates.serverContext(protocols: ["h2", "http/1.1"])
        let server = try await ScriptedServer(on: self.loop, tls: context) { peer, _, _ in peer.send("one".asResponse) }
        let options = TransportOptions(tls: TLSOptions(roots: .file(certificates.authority)), allowsHTTP2: false)
        let fixture = try Fixture(server.port, scheme: .https, options: options, group: self.loop)
        #expect(try await fixture.get().1 == "one")
        await fixture.pool.shutdown()
        await server.stop()
    }

    // MARK: Parts

    private final class Held: Sendable {
        private let state = Mutex<HTTP2Server.Peer?>(nil)
        var peer: HTTP2Server.Peer? {
            get { self.state.withLock { $0 } }
            set { self.state.withLock { $0 = newValue } }
        }
    }

    private final class Sent: Sendable {
        private let state = Atomic<Bool>(false)
        func fire() { self.state.store(true, ordering: .relaxed) }
        var isFired: Bool { self.state.load(ordering: .relaxed) }
    }

    /// A server that answers `/hold` with a head and keeps the stream, and everything else with the connection's number.
    private static func holding(
        held: Held,
        on loop: any EventLoop,
        maximumStreams: Int = 100
    ) async throws -> (server: HTTP2Server, held: Held) {
        let server = try await HTTP2Server(on: loop, maximumStreams: maximumStreams) { peer in
            peer.sendHead()
            if peer.path == "/hold" { held.peer = peer } else { peer.send("\(peer.connection)", isEnd: true) }
        }
        return (server, held)
    }

    private static func until(_ fixture: Fixture, connection: String) async throws -> Bool {
        for _ in 0..<100 where try await fixture.get("/now").1 == connection { return true }
        return false
    }
}
