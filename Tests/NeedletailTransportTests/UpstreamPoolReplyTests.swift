import HTTPTypes
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailTesting
import NeedletailTransport
import Testing

@Suite("UpstreamPool: what replies may look like", .timeLimit(.minutes(15)))
struct UpstreamPoolReplyTests {
    let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test(
        "A good reply is read to its end",
        arguments: [
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", true),
            (
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + "hello".asResponse,
                "hello", true
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nx-sum: 1\r\n\r\n",
                "hello", true
            ),
            ("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello", "hello", false),
            ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", false),
            ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
            ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "", true),
            ("HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 1\r\n\r\nx", "x", true),
        ]
    )
    func good(reply: String, body: String, isKept: Bool) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send(reply) }
        let fixture = try Fixture(server.port, group: self.loop)
        #expect(try await fixture.get().1 == body)
        #expect(await eventually { fixture.pool.counters.open == (isKept ? 1 : 0) })
        #expect(await eventually { fixture.pool.counters.idle == (isKept ? 1 : 0) })
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A body without length ends with the connection")
    func untilClose() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("HTTP/1.1 200 OK\r\n\r\nhello")
            peer.close()
        }
        let fixture = try Fixture(server.port, group: self.loop)
        #expect(try await fixture.get().1 == "hello")
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test(
        "A cut reply is an error after what came",
        arguments: [
            ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhello", "hello"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "hello"),
        ]
    )
    func cut(reply: String, before: String) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send(reply)
            peer.close()
        }
        let fixture = try Fixture(server.port, group: self.loop)
        let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/"))
        var text = ""
        let error = await failure { () throws(NeedletailError) in
            while let chunk = try await response.body.next() { text += String(buffer: chunk) }
        }
        #expect(text == before)
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("cut short") == true)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test(
        "A reply that cannot be read is refused and its connection closed",
        arguments: [
            ("SSH-2.0-OpenSSH_9\r\n", "not HTTP/1.1"),
            ("HTTP/2 200 OK\r\n\r\n", "not HTTP/1.1"),
            ("HTTP/1.1 200 OK\ncontent-length: 0\n\n", "CRLF"),
            ("HTTP/1.1 2x0 OK\r\n\r\n", "status"),
            ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "protocols"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", "two content-length"),
            ("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", "content-length"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", "content-length"),
            ("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", "both"),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n", "transfer-encoding"),
            ("HTTP/1.1 200 OK\r\nx y: 1\r\n\r\n", "invalid name"),
            ("HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n", "invalid name"),
            ("HTTP/1.1 200 OK\r\nnothing\r\n\r\n", "without a name"),
            ("HTTP/1.1 200 OK\r\nx: a\u{0}b\r\n\r\n", "control character"),
            ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx", "not asked for"),
            ("HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 1\r\n\r\nx", "not asked for"),
        ]
    )
    func refused(reply: String, message: String) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send(reply) }
        let fixture = try Fixture(server.port, group: self.loop)
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(error?.code == .malformedReply)
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        await server.peers.first?.untilClosed()
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test(
        "Bad chunks break the body",
        arguments: [
            "g\r\n", "\r\n", "-1\r\n", "1\r\nxy", "ffffffffffffffff\r\n", "1 \r\n", "1\nx",
            "0\r\nbad trailer\r\n\r\n",
        ]
    )
    func badChunks(chunk: String) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n\(chunk)\r\n\r\n")
        }
        let fixture = try Fixture(server.port, group: self.loop)
        let response = try await fixture.pool.send(TransportRequest(method: .get, path: "/"))
        var text = ""
        let error = await failure { () throws(NeedletailError) in
            while let chunk = try await response.body.next() { text += String(buffer: chunk) }
        }
        #expect(text.hasPrefix("ok"))
        #expect(error?.code == .malformedReply)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Headers without end are refused at the limit")
    func endlessHeaders() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("HTTP/1.1 200 OK\r\n")
            for number in 0..<2_000 { peer.send("x-\(number): \(String(repeating: "y", count: 90))\r\n") }
        }
        let fixture = try Fixture(server.port, group: self.loop)
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(error?.code == .malformedReply)
        #expect(error?.message.contains("65536") == true)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Bytes after the reply, or without a request, cost the connection")
    func surplus() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send("one".asResponse + "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        }
        let fixture = try Fixture(server.port, group: self.loop)
        #expect(try await fixture.get().1 == "one")
        #expect(try await fixture.get().1 == "one")
        #expect(server.peers.count == 2)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test(
        "A request that would break its framing is never sent",
        arguments: ["/a b", "/a\r\nx: 1", "a", "", "/\u{0}", "/ü", "/a\tb"]
    )
    func badPaths(path: String) async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("x".asResponse) }
        let fixture = try Fixture(server.port, group: self.loop)
        let error = await failure { () throws(NeedletailError) in
            _ = try await fixture.pool.send(TransportRequest(method: .get, path: path))
        }
        #expect(error?.code == .invalidRequest)
        #expect(server.requests.isEmpty)
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("Headers cannot smuggle: line ends do not get out, and framing is ours alone")
    func headerInjection() async throws {
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in peer.send("x".asResponse) }
        let fixture = try Fixture(server.port, group: self.loop)
        var headers: HTTPFields = [:]
        headers.append(HTTPField(name: .transferEncoding, value: "chunked"))
        headers.append(HTTPField(name: .contentLength, value: "99"))
        headers.append(HTTPField(name: .connection, value: "upgrade"))
        if let name = HTTPField.Name("host") { headers.append(HTTPField(name: name, value: "evil")) }
        if let name = HTTPField.Name("x-injected") {
            headers.append(HTTPField(name: name, value: "a\r\nx-evil: 1"))
        }
        let request = TransportRequest(path: "/", headers: headers, body: ByteBuffer(string: "b"))
        let error = await failure { () throws(NeedletailError) in
            _ = try await fixture.pool.send(request).body.collect(upTo: 9)
        }
        // HTTPField may already have made the value harmless; whichever refuses, no line of its own goes out.
        #expect(error == nil || error?.code == .invalidRequest)
        for text in server.requests {
            let lines = text.split(separator: "\r\n")
            for bad in ["x-evil", "transfer-encoding", "host: evil", "connection"] {
                #expect(!lines.contains { $0.hasPrefix(bad) })
            }
            #expect(lines.filter { $0.hasPrefix("content-length") } == ["content-length: 1"])
        }
        await fixture.pool.shutdown()
        await server.stop()
    }

    @Test("A refused connection and an unknown host are unreachable, in words")
    func unreachable() async throws {
        // Bound and not listening, so that nobody else on this machine can be given the port meanwhile.
        let closed = RefusingPort()
        let fixture = try Fixture(closed.port, group: self.loop)
        let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
        #expect(error?.code == .unreachable)
        #expect(error?.message == "No connection to 127.0.0.1:\(closed.port) could be made: connection refused.")
        #expect(error?.mayHaveBeenProcessed == false)
        #expect(fixture.pool.counters.open == 0)
        await fixture.pool.shutdown()
        let unknown = try Fixture(80, host: "no-such-host.invalid", group: self.loop)
        let second = await failure { () throws(NeedletailError) in _ = try await unknown.get() }
        #expect(second?.code == .unreachable)
        await unknown.pool.shutdown()
        let third = await failure { () throws(NeedletailError) in _ = try await unknown.get() }
        #expect(third?.code == .unavailable)
    }

    @Test("Random bytes never do worse than an error", arguments: 1...40 as ClosedRange<UInt64>)
    func garbage(seed: UInt64) async throws {
        let reply = GeneratedReply(seed: seed).bytes
        let server = try await ScriptedServer(on: self.loop) { peer, _, _ in
            peer.send(reply)
            peer.close()
        }
        let fixture = try Fixture(server.port, group: self.loop)
        for _ in 0..<3 {
            let error = await failure { () throws(NeedletailError) in _ = try await fixture.get() }
            let codes: [NeedletailError.Code?] = [nil, .malformedReply, .unreachable]
            #expect(codes.contains(error?.code), "seed \(seed): \(String(describing: error))")
        }
        await fixture.pool.shutdown()
        #expect(await eventually { fixture.pool.counters.open == 0 }, "seed \(seed)")
        await server.stop()
    }
}
