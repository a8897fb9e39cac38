import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import Testing

@testable import NeedletailGateway

@Suite("Edge: HTTP/1.1", .timeLimit(.minutes(15)))
struct EdgeServerTests {
    @Test("a response carries length and date, and nothing else of its own")
    func wholeResponse() async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            let text = await client.wait { $0.hasSuffix("]") }
            #expect(
                text == """
                    HTTP/1.1 200 OK\r
                    content-length: 19\r
                    date: Sun, 06 Nov 1994 08:49:37 GMT\r
                    \r
                    POST /a?b=c [hello]
                    """)
        }
    }

    @Test("requests on one connection are answered in order, one after the other", arguments: [1, 7, 10_000])
    func pipelining(_ piece: Int) async throws {
        try await withServer(ScriptedHandler()) { server, port in
            let client = try await RawClient.connect(port)
            let requests = (0..<40).map { index in
                "POST /\(index) HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n\(100 + index)"
            }.joined()
            var rest = Substring(requests)
            while !rest.isEmpty {
                try await client.send(String(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
            }
            let text = await client.wait { $0.contains("POST /39 [139]") }
            let answers = text.split(separator: "POST ").dropFirst().map { $0.prefix { $0 != "]" } }
            #expect(answers == (0..<40).map { "/\($0) [\(100 + $0)" })
            #expect(server.openConnections == 1)
        }
    }

    @Test("a chunked body is put together, at every split", arguments: 1..<12)
    func chunkedBody(_ piece: Int) async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            let request =
                "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\ntrailer: z\r\n\r\n"
            var rest = Array(request.utf8)[...]
            while !rest.isEmpty {
                try await client.send(String(decoding: rest.prefix(piece), as: UTF8.self))
                rest = rest.dropFirst(piece)
            }
            #expect(await client.wait { $0.hasSuffix("]") }.hasSuffix("POST / [abcd]"))
        }
    }

    @Test("a body far larger than a read arrives whole")
    func largeBody() async throws {
        let handler = ScriptedHandler(answer: { request, responder in
            let isWhole = request.body.readableBytesView.allSatisfy { $0 == 0x61 }
            responder.send(
                EdgeResponse(status: 200, body: ByteBuffer(string: "\(request.body.readableBytes) \(isWhole).")))
        })
        try await withServer(handler) { _, port in
            for framing in ["content-length: 3000000\r\n\r\n", "transfer-encoding: chunked\r\n\r\n2dc6c0\r\n"] {
                let client = try await RawClient.connect(port)
                try await client.send("POST / HTTP/1.1\r\nhost: x\r\n" + framing)
                try await client.send(String(repeating: "a", count: 3_000_000))
                if framing.contains("chunked") { try await client.send("\r\n0\r\n\r\n") }
                #expect(await client.wait { $0.hasSuffix(".") }.hasSuffix("3000000 true."))
            }
        }
    }

    @Test("a large response arrives whole, and the connection goes on", arguments: [5000, 65_536, 65_537, 5_000_000])
    func largeResponse(_ count: Int) async throws {
        let handler = ScriptedHandler(answer: { request, responder in
            responder.send(EdgeResponse(status: 200, body: ByteBuffer(repeating: 0x62, count: count)))
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            let request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n"
            try await client.send(request)
            let head = "HTTP/1.1 200 OK\r\ncontent-length: \(count)\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
            let one = await client.wait { $0.utf8.count == head.utf8.count + count }
            #expect(one == head + String(repeating: "b", count: count))
            try await client.send(request)
            #expect(await client.wait { $0.utf8.count == 2 * (head.utf8.count + count) }.hasSuffix(one))
        }
    }

    @Test(
        "HTTP/1.0 and connection: close end the connection; keep-alive is granted to HTTP/1.0",
        arguments: [
            ("GET / HTTP/1.0\r\n\r\n", true), ("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", true),
            ("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", false),
        ])
    func connectionHeader(_ request: String, _ closes: Bool) async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(request)
            if closes {
                let text = await client.all()
                #expect(text.contains("\r\nconnection: close\r\n") && text.hasSuffix("GET / []"))
            } else {
                let text = await client.wait { $0.hasSuffix("]") }
                #expect(text.contains("\r\nconnection: keep-alive\r\n"))
                try await client.send(request)
                #expect(
                    await client.wait { $0.split(separator: "[]").count == 2 && $0.hasSuffix("]") }.hasSuffix(
                        "GET / []"))
            }
        }
    }

    @Test("an answer to HEAD has the length and no body")
    func head() async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(
                "HEAD / HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let text = await client.all()
            #expect(text.hasPrefix("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n"))
            #expect(!text.contains("HEAD / []") && text.hasSuffix("GET /2 []"))
        }
    }

    @Test("100 Continue is sent once the head has passed, and not if it was refused")
    func expectContinue() async throws {
        let handler = ScriptedHandler(refuse: { $0.uri == "/no" ? EdgeResponse(status: 401) : nil })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-Continue\r\ncontent-length: 2\r\n\r\n")
            #expect(await client.wait { $0.hasSuffix("\r\n\r\n") } == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("ok")
            #expect(await client.wait { $0.hasSuffix("]") }.hasSuffix("POST / [ok]"))

            let refused = try await RawClient.connect(port)
            try await refused.send("POST /no HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
            let text = await refused.all()
            #expect(text.hasPrefix("HTTP/1.1 401 Unauthorized\r\n") && text.contains("connection: close\r\n"))
        }
    }

    @Test(
        "a body announced or found too large is a 413 before it has been read",
        arguments: [
            "content-length: 101\r\n\r\n", "content-length: 99999999999\r\n\r\n",
            "transfer-encoding: chunked\r\n\r\n50\r\n\(String(repeating: "a", count: 80))\r\n50\r\n\(String(repeating: "a", count: 80))",
            "transfer-encoding: chunked\r\n\r\nfffffff\r\n\(String(repeating: "a", count: 500))",
        ])
    func tooLarge(_ rest: String) async throws {
        try await withServer(ScriptedHandler(), limits: EdgeLimits(bodyBytes: 100)) { server, port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /big HTTP/1.1\r\nhost: x\r\n" + rest)
            let text = await client.all()
            #expect(text.hasPrefix("HTTP/1.1 413 ") && text.hasSuffix("<tooLarge /big>"))
            #expect(text.contains("connection: close\r\n"))
        }
    }

    @Test("a refused request with a small body leaves the connection usable")
    func refusedSmall() async throws {
        let handler = ScriptedHandler(refuse: { $0.uri == "/no" ? EdgeResponse(status: 401) : nil })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("POST /no HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n")
            await client.wait { $0.contains("401") }
            try await client.send("helloGET / HTTP/1.1\r\nhost: x\r\n\r\n")
            let text = await client.wait { $0.hasSuffix("]") }
            #expect(text.hasSuffix("GET / []") && !text.contains("close"))
        }
    }

    @Test("a refusal reaches a client that has closed its side right behind the request")
    func refusedHalfClosed() async throws {
        let handler = ScriptedHandler(refuse: { _ in EdgeResponse(status: 401) })
        try await withServer(handler) { _, port in
            for _ in 0..<40 {
                let client = try await RawClient.connect(port)
                try await client.sendAll("GET /no HTTP/1.1\r\nhost: x\r\n\r\n")
                #expect(await client.all().hasPrefix("HTTP/1.1 401 "))
            }
        }
    }

    @Test(
        "what is no proper message gets 400 and the end",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n",  // no host
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 4, 5\r\n\r\nabcde",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: +4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0x4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ncontent-length : 4\r\n\r\nabcd",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\nabc",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0x4\r\nabcd\r\n0\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
            "POST / HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nfoo: a\r\n folded\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nfoo: a\u{0}b\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nfo o: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\nfoo\r\n\r\n",
            "GET / HTTP/1.1\nhost: x\n\n",
            "GET / HTTP/2.0\r\nhost: x\r\n\r\n",
            "GET / HTTP/0.9\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}",
            "nonsense\r\n\r\n",
            "get / HTTP/1.1\r\nhost: x\r\n\r\n",
        ])
    func malformed(_ request: String) async throws {
        let served = Signal()
        let handler = ScriptedHandler(answer: { _, responder in
            served.fire()
            responder.send(EdgeResponse(status: 200))
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(request + "GET /smuggled HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let text = await client.all()
            #expect(text.hasPrefix("HTTP/1.1 400 Bad Request\r\n"), "\(request) got \(text)")
            #expect(text.contains("\r\nconnection: close\r\n"))
            #expect(text.split(separator: "HTTP/1.1").count == 1)
            #expect(served.count == 0)

            // The server goes on.
            let next = try await RawClient.connect(port)
            try await next.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(await next.wait { $0.hasSuffix("\r\n\r\n") }.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test(
        "headers over a limit get 431",
        arguments: [
            "GET / HTTP/1.1\r\nhost: x\r\nbig: \(String(repeating: "a", count: 20_000))\r\n\r\n",
            "GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1\r\nhost: x\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\(String(repeating: "a: b\r\n", count: 200))\r\n",
            "GET / HTTP/1.1\r\nhost: x\r\n\(String(repeating: "a: \(String(repeating: "b", count: 8000))\r\n", count: 9))\r\n",
        ])
    func headerBomb(_ request: String) async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send(request)
            #expect(await client.all().hasPrefix("HTTP/1.1 431 "))
        }
    }

    @Test("a fault after good requests is answered after them")
    func faultBehindRequests() async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\nbroken\r\n\r\n")
            let text = await client.all()
            #expect(text.split(separator: "HTTP/1.1 ").map { $0.prefix(3) } == ["200", "200", "400"])
        }
    }

    @Test("an upgrade is not taken and ends the connection after the answer")
    func upgrade() async throws {
        try await withServer(ScriptedHandler()) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")
            let text = await client.all()
            #expect(text.hasPrefix("HTTP/1.1 200") && text.contains("connection: close"))
        }
    }

    @Test("a header's value cannot end its line")
    func hostileValue() async throws {
        let handler = ScriptedHandler(answer: { _, responder in
            let headers: HTTPFields = [.server: "a\r\nset-cookie: b\u{0}\nc"]
            responder.send(EdgeResponse(status: 200, headers: headers))
        })
        try await withServer(handler) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            let text = await client.all()
            #expect(text.split(separator: "\r\n").count == 5, "\(text)")
            #expect(!text.contains("\u{0}"))
        }
    }

    @Test("a connection over the limit is told so")
    func crowded() async throws {
        try await withServer(ScriptedHandler(), limits: EdgeLimits(connections: 1)) { _, port in
            let first = try await RawClient.connect(port)
            try await first.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await first.wait { $0.hasSuffix("]") }
            let second = try await RawClient.connect(port)
            let text = await second.all()
            #expect(text.hasPrefix("HTTP/1.1 503 "))
            let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
            #expect(text.contains("content-length: \(parts.last?.utf8.count ?? 0)\r\n"))
        }
    }

    @Test("a request that a handler forgets gets 500")
    func forgotten() async throws {
        try await withServer(ScriptedHandler(answer: { _, _ in })) { _, port in
            let client = try await RawClient.connect(port)
            try await client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            #expect(await client.wait { $0.hasSuffix(">") }.hasPrefix("HTTP/1.1 500 "))
        }
    }
}
