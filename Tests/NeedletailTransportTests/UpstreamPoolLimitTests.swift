import HTTPTypes
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTransport
import Synchronization
import Testing

@Suite("UpstreamPool: limits of connections and time", .timeLimit(.minutes(15)))
struct UpstreamPoolLimitTests {
    let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test("Over the limit requests wait in order and take the connection that becomes free")
    func waiters() async throws {
        let server = try await ScriptedServer(on: self.loop) { _, _, _ in }
        let fixture = try Fixture(server.port, options: TransportOptions(maximumConnections: 1), group: self.loop)
        let order = Log()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<4 {
                group.addTask {
                    let (_, body) = try await fixture.get("/\(number)")
                    order.add(body)
                }
                #expect(await eventually { server.requests.count + fixture.pool.counters.waiters == number + 1 })
            }
            #expect(fixture.pool.counters == .init(open: 1, idle: 0, inUse: 1, waiters: 3, staleRetries: 0))
            for number in 0..<4 {
                #expect(await eventually { server.requests.count == number + 1 })
                server.peers.last?.send("\(number)".asResponse)
            }
            try await group.waitForAll()
        }
        #expect(order.lines.sorted() == ["0", "1", "2", "3"])
        #expect(server.requests.map { $0.split(separator: " ")[1] } == ["/0", "/1", "/2", "/3"])
        #expect(server.peers.count == 1)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A waiting request gives up with the connect limit, a queue that is full at once")
    func waitersExpire() async throws {
        let server = try await ScriptedServer(on: self.loop) { _, _, _ in }
        let options = TransportOptions(maximumConnections: 1, maximumWaiters: 1)
        let fixture = try Fixture(server.port, options: options, group: self.loop)
        async let first = failure { () throws(NeedletailError) in _ = try await fixture.get("/a") }
        #expect(await eventually { server.requests.count == 1 })
        async let second = failure { () throws(NeedletailError) in _ = try await fixture.get("/b") }
        #expect(await eventually { fixture.pool.counters.waiters == 1 })
        let third = await failure { () throws(NeedletailError) in _ = try await fixture.get("/c") }
        #expect(third?.code == .unavailable)
        fixture.clock.advance(by: .seconds(10))
        await fixture.pool.checkLimits()
        let expired = await second
        #expect(expired?.code == .unavailable)
        #expect(expired?.message.contains("10 s") == true)
        #expect(expired?.mayHaveBeenProcessed == false)
        await fixture.pool.shutdown()
        #expect(await first?.code == .unavailable)
        await server.stop()
    }

    @Test("A waiter takes an idle connection of another loop")
    func acrossLoops() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("\(peer.number)".asResponse) }
        let fixture = try Fixture(server.port, options: TransportOptions(maximumConnections: 1), group: group)
        for _ in 0..<6 { #expect(try await fixture.get().1 == "1") }
        await fixture.pool.shutdown()
        await server.stop()
        try await group.shutdownGracefully()
    }

    @Test("No more idle connections are kept than allowed, and none longer than allowed")
    func idle() async throws {
        let server = try await ScriptedServer(on: self.loop) { _, _, _ in }
        let options = TransportOptions(maximumIdlePerHost: 2, idleTimeout: .seconds(90))
        let fixture = try Fixture(server.port, options: options, group: self.loop)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<5 { group.addTask { _ = try await fixture.get() } }
            #expect(await eventually { server.requests.count == 5 })
            for peer in server.peers { peer.send("x".asResponse) }
            try await group.waitForAll()
        }
        #expect(await eventually { fixture.pool.counters.idle == 5 })
        fixture.clock.advance(by: .seconds(1))
        await fixture.pool.checkLimits()
        #expect(await eventually { fixture.pool.counters.open == 2 })
        #expect(fixture.pool.counters.idle == 2)
        fixture.clock.advance(by: .seconds(88))
        await fixture.pool.checkLimits()
        #expect(fixture.pool.counters.open == 2)
        fixture.clock.advance(by: .seconds(1))
        await fixture.pool.checkLimits()
        #expect(await eventually { fixture.pool.counters.open == 0 && fixture.pool.counters.idle == 0 })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test(
        "Each time limit ends the request in its own words",
        arguments: [
            ("", 59, 1, "begin to answer within 60 s"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", 59, 1, "no first byte of its answer within 60 s"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", 29, 1, "nothing more within 30 s"),
        ]
    )
    func timeouts(sent: String, before: Int, step: Int, message: String) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send(sent) }
        let fixture = try Fixture(server.port, group: self.loop)
        let timeouts = Timeouts(firstToken: .seconds(60), idle: .seconds(30))
        let done = Atomic<Bool>(false)
        let taken = Atomic<Int>(0)
        async let result = failure { () throws(NeedletailError) in
            defer { done.store(true, ordering: .relaxed) }
            let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/", timeouts: timeouts))
            taken.add(1, ordering: .relaxed)
            while let chunk = try await response.body.next() { taken.add(chunk.readableBytes, ordering: .relaxed) }
        }
        let expected = sent.isEmpty ? 0 : sent.hasSuffix("abc") ? 4 : 1
        #expect(await eventually { server.requests.count == 1 && taken.load(ordering: .relaxed) == expected })
        fixture.clock.advance(by: .seconds(before))
        await fixture.pool.checkLimits()
        let isEarly = done.load(ordering: .relaxed)
        #expect(!isEarly)
        fixture.clock.advance(by: .seconds(step))
        await fixture.pool.checkLimits()
        let error = await result
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        #expect(error?.mayHaveBeenProcessed == true)
        await server.peers.first?.untilClosed()
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("The deadline counts although bytes keep coming")
    func deadline() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        }
        let fixture = try Fixture(server.port, group: self.loop)
        var request = TransportRequest(method: .get, path: "/")
        request.deadline = fixture.clock.source.now().advanced(by: .milliseconds(2_500))
        let response = try await fixture.pool.send(request)
        for _ in 0..<5 {
            server.peers.first?.send("1\r\nx\r\n")
            #expect(try await response.body.next() == ByteBuffer(string: "x"))
            fixture.clock.advance(by: .milliseconds(500))
            await fixture.pool.checkLimits()
        }
        let error = await failure { () throws(NeedletailError) in _ = try await response.body.next() }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("deadline of 2.500 s") == true)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A connection that is not made in time is given up")
    func connectTimeout() async throws {
        // A TLS server that never answers: the limit includes the handshake.
        let server = try await ScriptedServer(on: self.loop) { _, _, _ in }
        let fixture = try Fixture(server.port, scheme: .https, group: self.loop)
        async let result = failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(await eventually { server.peers.count == 1 })
        fixture.clock.advance(by: .seconds(10))
        await fixture.pool.checkLimits()
        let error = await result
        #expect(error?.code == .timedOut)
        #expect(error?.message == "The connection to the provider was not made within 10 s.")
        #expect(error?.mayHaveBeenProcessed == false)
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A cancelled task ends at once and closes its connection", arguments: [0, 1, 2])
    func cancellation(stage: Int) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            if stage > 0 { peer.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n\(stage > 1 ? "a" : "")") }
        }
        let fixture = try Fixture(server.port, group: self.loop)
        let taken = Atomic<Int>(0)
        let task = Task {
            await failure { () throws(NeedletailError) in
                let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/"))
                taken.add(1, ordering: .relaxed)
                while try await response.body.next() != nil { taken.add(1, ordering: .relaxed) }
            }
        }
        #expect(await eventually { server.requests.count == 1 && taken.load(ordering: .relaxed) == stage })
        task.cancel()
        #expect(await task.value?.code == .cancelled)
        await server.peers.first?.untilClosed()
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A dropped body closes the connection, one that is over does not")
    func drop() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, request, _ in
            peer.send(
                request.hasPrefix("GET /whole") ? "done".asResponse : "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na")
        }
        let fixture = try Fixture(server.port, group: self.loop)
        _ = try await fixture.pool.send(TransportRequest(method: .get, path: "/whole"))
        #expect(await eventually { fixture.pool.counters.idle == 1 })
        _ = try await fixture.pool.send(TransportRequest(method: .get, path: "/part"))
        await server.peers.first?.untilClosed()
        #expect(server.peers.count == 1)
        #expect(await eventually { fixture.pool.counters.open == 0 })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A reader that does not read stops the sender, and loses nothing")
    func backpressure() async throws {
        let size = 8 << 20
        let sent = Atomic<Bool>(false)
        let server = try await ScriptedServer(on: self.loop, receiveBuffer: 16 << 10) { peer, _, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")
            let bytes = ByteBuffer(repeating: UInt8(ascii: "x"), count: size)
            peer.sendAll(bytes).whenSuccess { sent.store(true, ordering: .relaxed) }
        }
        let fixture = try Fixture(server.port, group: self.loop)
        let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/"))
        // Much time for the loops, none for the body: what is sent fits sockets and the one buffer.
        await settle(turns: 2_000)
        let isAllSent = sent.load(ordering: .relaxed)
        #expect(!isAllSent)
        fixture.clock.advance(by: .seconds(300))
        await fixture.pool.checkLimits()
        var largest = 0
        var total = 0
        while let chunk = try await response.body.next() {
            largest = max(largest, chunk.readableBytes)
            total += chunk.readableBytes
        }
        #expect(total == size)
        #expect(largest <= 192 << 10)
        await fixture.pool.shutdown()
        await server.stop()
    }
}
