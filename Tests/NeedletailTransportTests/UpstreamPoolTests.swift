import HTTPTypes
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTransport
import Synchronization
import Testing

@Suite("UpstreamPool over HTTP/1.1", .timeLimit(.minutes(15)))
struct UpstreamPoolTests {
    static let group = MultiThreadedEventLoopGroup.singleton
    /// A group with one loop, where the order of things is known.
    let loop = UpstreamPoolTests.group.next()

    @Test("A request and its answer travel as written")
    func basics() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("hello".asResponse) }
        let fixture = try Fixture(server.port, group: self.loop)
        let response = try await fixture.pool.send(
            TransportRequest(
                path: "/v1/x?y=1", headers: [.contentType: "application/json"], body: ByteBuffer(string: "{}"))
        )
        #expect(response.status == 200)
        #expect(response.headers[.contentLength] == "5")
        #expect(try await response.body.collect(upTo: 100) == ByteBuffer(string: "hello"))
        #expect(
            server.requests == [
                "POST /v1/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:\(server.port)\r\naccept-encoding: identity\r\n"
                    + "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
            ]
        )
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("One connection is used again and again, the last one used first")
    func keepAlive() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, count in
            peer.send("\(peer.number).\(count)".asResponse)
        }
        let fixture = try Fixture(server.port, group: self.loop)
        for count in 1...5 { #expect(try await fixture.get().1 == "1.\(count)") }
        #expect(await eventually { fixture.pool.counters.idle == 1 })
        #expect(fixture.pool.counters == .init(open: 1, idle: 1, inUse: 0, waiters: 0, staleRetries: 0))
        await fixture.pool.shutdown()
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await server.stop()
    }

    @Test("A stale connection is replaced once, for POST too", arguments: [false, true])
    func staleOnce(resets: Bool) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, count in
            guard peer.number == 1, count == 2 else { return peer.send("\(peer.number)".asResponse) }
            if resets { peer.reset() } else { peer.close() }
        }
        let fixture = try Fixture(server.port, group: self.loop)
        #expect(try await fixture.get().1 == "1")
        let response = try await fixture.pool.send(TransportRequest(path: "/", body: ByteBuffer(string: "x")))
        #expect(try await response.body.collect(upTo: 9) == ByteBuffer(string: "2"))
        #expect(fixture.pool.counters.staleRetries == 1)
        #expect(fixture.pool.counters.open == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A peer that has worked on a request before it closed is not sent the request again", arguments: [249, 251])
    func closedLate(milliseconds: Int64) async throws {
        let clock = Mutex<(@Sendable () -> Void)?>(nil)
        let server = try await ScriptedServer(on: self.loop) { peer, _, count in
            guard peer.number == 1, count == 2 else { return peer.send("\(peer.number)".asResponse) }
            clock.withLock { $0 }?()
            peer.close()
        }
        let fixture = try Fixture(server.port, group: self.loop)
        clock.withLock { $0 = { fixture.clock.advance(by: .milliseconds(milliseconds)) } }
        #expect(try await fixture.get().1 == "1")
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        let isRepeated = milliseconds <= 250
        #expect((error == nil) == isRepeated)
        #expect(isRepeated || error?.mayHaveBeenProcessed == true)
        #expect(fixture.pool.counters.staleRetries == (isRepeated ? 1 : 0))
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A stale connection is not replaced twice, and a new one that closes is never repeated")
    func staleNotTwice() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, count in
            if peer.number == 1, count == 1 { peer.send("1".asResponse) } else { peer.close() }
        }
        let fixture = try Fixture(server.port, group: self.loop)
        #expect(try await fixture.get().1 == "1")
        let first = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(first?.code == .unreachable)
        #expect(first?.mayHaveBeenProcessed == true)
        #expect(server.requests.count == 3)
        let second = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(second?.code == .unreachable)
        #expect(server.requests.count == 4)
        #expect(fixture.pool.counters.staleRetries == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A large body is sent whole, and a peer that does not take it runs into a limit")
    func largeBody() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, request, _ in
            peer.send("\(request.utf8.count { $0 == UInt8(ascii: "z") })".asResponse)
        }
        let fixture = try Fixture(server.port, group: self.loop)
        for count in [16 << 10, (16 << 10) + 1, 300_000] {
            let body = ByteBuffer(repeating: UInt8(ascii: "z"), count: count)
            let response = try await fixture.pool.send(TransportRequest(path: "/", body: body))
            #expect(try await response.body.collect(upTo: 9) == ByteBuffer(string: "\(count)"))
        }
        #expect(server.peers.count == 1)
        await fixture.pool.shutdown()
        await server.stop()
        // A listener whose connections nobody reads.
        let deaf = try await ServerBootstrap(group: self.loop)
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0).get()
        let stuck = try Fixture(deaf.localAddress?.port ?? 0, group: self.loop)
        let body = ByteBuffer(repeating: UInt8(ascii: "z"), count: 32 << 20)
        async let result = failure { () throws(NeedletailError) in
            _ = try await stuck.pool.send(TransportRequest(path: "/", body: body))
        }
        #expect(await eventually { stuck.pool.counters.inUse == 1 })
        await settle(turns: 500)
        stuck.clock.advance(by: .seconds(60))
        await stuck.pool.checkLimits()
        #expect(await result?.message == "The provider did not take the request within 60 s.")
        await stuck.pool.shutdown()
        try await deaf.close()
    }

    @Test("A deadline that has passed, and a task that is cancelled, send nothing")
    func notStarted() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("x".asResponse) }
        let fixture = try Fixture(server.port, group: self.loop)
        var request = TransportRequest(method: .get, path: "/")
        request.deadline = fixture.clock.source.now()
        let late = request
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.pool.send(late) }
        #expect(error?.code == .timedOut)
        #expect(error?.mayHaveBeenProcessed == false)
        let task = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            return await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        }
        #expect(await task.value?.code == .cancelled)
        #expect(server.peers.isEmpty)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A pool that is dropped lets a running answer end, and closes its connections")
    func dropped() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, request, _ in
            peer.send(request.hasPrefix("GET /hold") ? "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n" : "x".asResponse)
        }
        let body = try await Self.start(server)
        #expect(server.peers.count == 2)
        let held = try #require(server.peers.first)
        await server.peers.last?.untilClosed()
        held.send("done")
        #expect(try await body.collect(upTo: 9) == ByteBuffer(string: "done"))
        await held.untilClosed()
        await server.stop()
    }

    private static func start(_ server: ScriptedServer) async throws -> TransportBody {
        let fixture = try Fixture(server.port, group: UpstreamPoolTests.group.next())
        let held = try await fixture.pool.send(TransportRequest(method: .get, path: "/hold"))
        _ = try await fixture.get("/now")
        return held.body
    }
}
