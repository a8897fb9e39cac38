import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailGateway

@Suite("Edge: streams, deadlines and the end", .timeLimit(.minutes(15)))
struct EdgeStreamTests {
    private static let request = "GET /s HTTP/1.1\r\nhost: x\r\n\r\n"

    @Test("chunks go out one by one, as they are written")
    func unbuffered() async throws {
        let next = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [.contentType: "text/event-stream"])
            for index in 1...3 {
                await next.wait(index)
                try? await responder.write(ByteBuffer(string: "chunk \(index)"))
            }
            await next.wait(4)
            responder.finish()
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            let head = await client.wait { $0.hasSuffix("\r\n\r\n") }
            #expect(head.contains("transfer-encoding: chunked\r\n") && !head.contains("content-length"))
            for index in 1...3 {
                next.fire()
                #expect(await client.wait { $0.hasSuffix("\(index)\r\n") }.hasSuffix("7\r\nchunk \(index)\r\n"))
            }
            next.fire()
            #expect(await client.wait { $0.hasSuffix("0\r\n\r\n") }.hasSuffix("7\r\nchunk 3\r\n0\r\n\r\n"))
            try await client.send(Self.request)
            #expect(await client.wait { $0.components(of: "0\r\n\r\n") == 2 }.components(of: "chunk 2") == 2)
        }
    }

    @Test(
        "chunks of every size are framed right", arguments: [0, 1, 15, 16, 255, 256, 4095, 4096, 4097, 65_536, 200_000])
    func chunkSizes(_ size: Int) async throws {
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [:])
            try? await responder.write(ByteBuffer(repeating: 0x63, count: size))
            try? await responder.write(ByteBuffer(string: "end"))
            responder.finish()
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            let text = await client.wait { $0.hasSuffix("0\r\n\r\n") }
            let body = text.split(separator: "\r\n\r\n", maxSplits: 1)[1]
            let first = size == 0 ? "" : "\(String(size, radix: 16))\r\n\(String(repeating: "c", count: size))\r\n"
            #expect(body == first + "3\r\nend\r\n0\r\n\r\n")
        }
    }

    @Test("an HTTP/1.0 client gets a stream without chunks, ended by the connection")
    func oldClient() async throws {
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [:])
            try? await responder.write(ByteBuffer(string: "one"))
            responder.finish()
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /s HTTP/1.0\r\nconnection: keep-alive\r\n\r\n")
            let text = await client.all()
            #expect(text.hasSuffix("\r\n\r\none") && text.contains("connection: close") && !text.contains("chunked"))
        }
    }

    @Test("a stream that is broken off, or forgotten, ends without a last chunk", arguments: [true, false])
    func reset(_ resets: Bool) async throws {
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [:])
            try? await responder.write(ByteBuffer(string: "one"))
            if resets { responder.reset() }
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            #expect(await client.all().hasSuffix("3\r\none\r\n"))
        }
    }

    @Test("a client that leaves cancels the handler's task, whether it waits or writes", arguments: [true, false])
    func disconnect(_ streams: Bool) async throws {
        let began = Signal()
        let cancelled = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            if streams {
                responder.start(status: 200, headers: [:])
                try? await responder.write(ByteBuffer(string: "one"))
            }
            await Self.untilCancelled(began)
            do throws(NeedletailError) {
                try await responder.write(ByteBuffer(string: "two"))
            } catch {
                if error.code == .cancelled { cancelled.fire() }
            }
        })
        try await withServer(handler) { server, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            await began.wait()
            try await client.close()
            await cancelled.wait()
            #expect(cancelled.count == 1)
        }
    }

    @Test("a client that does not read holds the handler up, and what it left is sent when it reads")
    func backpressure() async throws {
        let written = Atomic(0)
        let stuck = Signal()
        let total = 400
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [:])
            for _ in 0..<total {
                do {
                    try await responder.write(ByteBuffer(repeating: 0x64, count: 1 << 16))
                    written.wrappingAdd(1, ordering: .relaxed)
                } catch {
                    return
                }
            }
            responder.finish()
        })
        try await withServer(handler) { server, port in
            let client = try await RawClient.connect(port, reads: false)
            try await client.send(Self.request)
            // The handler has stopped when ticks go by without progress; each tick passes through its loop.
            var last = -1
            var same = 0
            while same < 200 {
                await server.tick()
                let now = written.load(ordering: .relaxed)
                same = now == last && now > 0 ? same + 1 : 0
                last = now
            }
            stuck.fire()
            #expect(last < total)
            try await client.startReading()
            let text = await client.wait { $0.utf8.suffix(5).elementsEqual("0\r\n\r\n".utf8) }
            #expect(text.utf8.reduce(0) { $0 + ($1 == 0x64 ? 1 : 0) } >= total << 16)
            #expect(written.load(ordering: .relaxed) == total)
        }
    }

    @Test("a client that reads nothing for too long is cut off")
    func stall() async throws {
        let began = Signal()
        let failed = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            began.fire()
            responder.start(status: 200, headers: [:])
            while true {
                do { try await responder.write(ByteBuffer(repeating: 0x64, count: 1 << 16)) } catch { break }
            }
            failed.fire()
        })
        let time = ManualTime()
        try await withServer(handler, time: time) { server, port in
            let client = try await RawClient.connect(port, reads: false)
            try await client.send(Self.request)
            // Before, another limit holds: that on how long a request may take to come.
            await began.wait()
            while failed.count == 0 {
                time.advance(.seconds(61))
                await server.tick()
            }
            try await client.close()
        }
    }

    @Test(
        "clients that are too slow are told or cut",
        arguments: [
            ("", EdgeLimits().headerTime, ""),
            ("GET / HT", EdgeLimits().headerTime, "408"),
            ("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nabc", EdgeLimits().bodyTime, "408"),
        ])
    func slow(_ sent: String, _ limit: Duration, _ status: String) async throws {
        let time = ManualTime()
        try await withServer(ScriptedHandler(), time: time) { server, port in
            let client = try await RawClient.connect(port)
            if !sent.isEmpty { try await client.send(sent) }
            // An answered request on a second connection is behind the first one's bytes on the loop.
            let other = try await RawClient.connect(port)
            try await other.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await other.wait { $0.hasSuffix("]") }
            time.advance(limit - .seconds(1))
            await server.tick()
            #expect(server.openConnections == 2)
            time.advance(.seconds(2))
            await server.tick()
            let text = await client.all()
            #expect(status.isEmpty ? text.isEmpty : text.hasPrefix("HTTP/1.1 \(status) "))
        }
    }

    @Test("an idle connection is closed after its time, silently")
    func idle() async throws {
        let time = ManualTime()
        try await withServer(ScriptedHandler(), time: time) { server, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            let answer = await client.wait { $0.hasSuffix("]") }
            time.advance(.seconds(119))
            await server.tick()
            #expect(server.openConnections == 1)
            time.advance(.seconds(2))
            await server.tick()
            #expect(await client.all() == answer)
        }
    }

    @Test(
        "a connection that asked nothing for a while answers what comes then, however often", arguments: [0, 1, 3, 30])
    func rests(_ seconds: Int) async throws {
        let time = ManualTime()
        try await withServer(ScriptedHandler(), time: time) { server, port in
            let client = try await RawClient.connect(port)
            for index in 1...5 {
                try await client.send("GET /\(index) HTTP/1.1\r\nhost: x\r\n\r\n")
                _ = await client.wait { $0.hasSuffix("GET /\(index) []") }
                time.advance(.seconds(seconds))
                await server.tick()
                await server.tick()
                #expect(server.openConnections == 1)
            }
            // Two at once, the second of which is read while the first is answered.
            try await client.send("GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nhost: x\r\n\r\n")
            _ = await client.wait { $0.hasSuffix("GET /b []") }
        }
    }

    @Test("draining lets streams finish, closes what is idle and refuses new connections")
    func drain() async throws {
        let began = Signal()
        let next = Signal()
        let handler = ScriptedHandler(answer: { request, responder in
            guard request.head.uri == "/s" else {
                return responder.send(EdgeResponse(status: 200, body: ByteBuffer(string: "]")))
            }
            responder.start(status: 200, headers: [:])
            try? await responder.write(ByteBuffer(string: "one"))
            began.fire()
            await next.wait()
            try? await responder.write(ByteBuffer(string: "two"))
            responder.finish()
        })
        let phase = ServingPhase()
        try await withServer(handler, phase: phase) { server, port in
            let idle = try await RawClient.connect(port)
            try await idle.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            let answer = await idle.wait { $0.hasSuffix("]") }
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            await began.wait()
            async let drained: Void = server.drain(limit: .seconds(30))
            #expect(await idle.all() == answer)
            #expect(phase.isDraining)
            await #expect(throws: (any Error).self) { try await RawClient.connect(port) }
            next.fire()
            #expect(await client.all().hasSuffix("3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"))
            await drained
            #expect(server.openConnections == 0)
            await server.run()
        }
    }

    @Test("a connection that is accepted just before a drain is drained too")
    func drainsLate() async throws {
        final class Member: EdgeMember {
            var slot = -1
            private let drained: Signal
            init(_ drained: Signal) { self.drained = drained }
            func tick(_ now: Instant) {}
            func drain() { self.drained.fire() }
            func expire() {}
            func cut() {}
        }
        let drained = Signal()
        let time = ManualTime()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit {
            let shared = EdgeLoop(
                loop, handler: ScriptedHandler(), configuration: EdgeConfiguration(port: 0),
                census: EdgeCensus(limit: 1), time: time.source)
            shared.drain()
            shared.add(Member(drained))
        }.get()
        await drained.wait()
        #expect(drained.count == 1)
    }

    @Test("a drain that comes between a response and its handler's return ends the connection")
    func drainOvertakes() async throws {
        let answered = Signal()
        let next = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            responder.send(EdgeResponse(status: 200, body: ByteBuffer(string: "]")))
            answered.fire()
            await next.wait()
        })
        let time = ManualTime()
        try await withServer(handler, time: time) { server, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            await answered.wait()
            async let drained: Void = server.drain(limit: .seconds(30))
            while time.sleepers == 0 { await Task.yield() }
            next.fire()
            // No clock moves: it ends by itself.
            #expect(await client.all().hasSuffix("]"))
            await drained
        }
    }

    @Test("what has not finished within the drain's limit is told to end, and is cut if it does not end properly")
    func drainLimit() async throws {
        let began = Signal()
        let handler = ScriptedHandler(answer: { request, responder in
            responder.start(status: 200, headers: [:])
            await Self.untilCancelled(began)
            guard request.head.uri == "/says" else { return }
            try? await responder.write(ByteBuffer(string: "bye"))
            responder.finish()
        })
        let time = ManualTime()
        try await withServer(handler, time: time) { server, port in
            let says = try await RawClient.connect(port)
            try await says.send("GET /says HTTP/1.1\r\nhost: x\r\n\r\n")
            await began.wait()
            let silent = try await RawClient.connect(port)
            try await silent.send(Self.request)
            await began.wait(2)
            let half = try await RawClient.connect(port)
            try await half.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n")
            await half.wait { $0.contains("100 Continue") }
            async let drained: Void = server.drain(limit: .seconds(30))
            while time.sleepers == 0 { await Task.yield() }
            time.advance(.seconds(29))
            #expect(server.openConnections == 3)
            time.advance(.seconds(2))
            #expect(await says.all().hasSuffix("3\r\nbye\r\n0\r\n\r\n"))
            #expect(!(await silent.all()).contains("0\r\n\r\n"))
            #expect(await half.all().hasSuffix("100 Continue\r\n\r\n"))
            await drained
        }
    }

    @Test("what does not end when it is told to is cut a second later")
    func drainFarewell() async throws {
        let began = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            responder.start(status: 200, headers: [:])
            await Self.untilCancelled(began)
            // Only the cut ends this one.
            while (try? await responder.write(ByteBuffer(string: "x"))) != nil { await Task.yield() }
        })
        let time = ManualTime()
        try await withServer(handler, time: time) { server, port in
            let client = try await RawClient.connect(port)
            try await client.send(Self.request)
            await began.wait()
            async let drained: Void = server.drain(limit: .zero)
            while time.sleepers == 0 { await Task.yield() }
            #expect(server.openConnections == 1)
            time.advance(.seconds(1))
            await drained
            #expect(!(await client.all()).contains("0\r\n\r\n"))
        }
    }

    @Test("a preflight is answered for an allowed origin, and replies carry its header")
    func cors() async throws {
        let cors = CORSPolicy(allowedOrigins: ["https://app.example"])
        let refusing = ScriptedHandler(refuse: { $0.method == .OPTIONS ? EdgeResponse(status: 405) : nil })
        try await withServer(refusing, cors: cors) { _, port in
            func ask(_ request: String) async throws -> String {
                let client = try await RawClient.connect(port)
                try await client.send(request + "host: x\r\nconnection: close\r\n\r\n")
                return await client.all()
            }
            let preflight = "OPTIONS /v1/messages HTTP/1.1\r\naccess-control-request-method: POST\r\n"
            let allowed = try await ask(
                preflight + "origin: https://app.example\r\naccess-control-request-headers: authorization, x-foo\r\n")
            #expect(
                allowed.hasPrefix("HTTP/1.1 204 No Content\r\n") && !allowed.lowercased().contains("content-length"))
            #expect(allowed.lowercased().contains("access-control-allow-origin: https://app.example\r\n"))
            #expect(allowed.lowercased().contains("access-control-allow-headers: authorization, x-foo\r\n"))
            let other = try await ask(preflight + "origin: https://evil.example\r\n")
            #expect(other.hasPrefix("HTTP/1.1 403 ") && !other.lowercased().contains("allow-origin"))
            let plain = try await ask("GET / HTTP/1.1\r\norigin: https://app.example\r\n")
            #expect(plain.lowercased().contains("access-control-allow-origin: https://app.example\r\n"))
            let exposed =
                plain.lowercased().split(separator: "\r\n")
                .first { $0.hasPrefix("access-control-expose-headers: ") } ?? ""
            for name in ["x-request-id", "x-needletail-lossy", "x-needletail-overhead-ms", "x-upstream-request-id"] {
                #expect(exposed.contains(name))
            }
            #expect(!(try await ask("GET / HTTP/1.1\r\n")).lowercased().contains("access-control"))
        }
        try await withServer(refusing) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(
                "OPTIONS / HTTP/1.1\r\nhost: x\r\norigin: https://a\r\naccess-control-request-method: POST\r\n\r\n")
            #expect(await client.wait { $0.hasSuffix("\r\n\r\n") }.hasPrefix("HTTP/1.1 405 "))
        }
    }

    /// Fires `began` and returns when the task is cancelled.
    private static func untilCancelled(_ began: Signal) async {
        let end = Signal()
        await withTaskCancellationHandler {
            began.fire()
            await end.wait()
        } onCancel: {
            end.fire()
        }
    }
}

extension String {
    /// How often `text` occurs.
    func components(of text: String) -> Int {
        self.split(separator: text, omittingEmptySubsequences: false).count - 1
    }
}
