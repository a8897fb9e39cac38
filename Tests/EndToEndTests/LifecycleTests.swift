import Logging
import NIOCore
import NIOPosix
import NeedletailGateway
import Synchronization
import Testing

@Suite("Streams, clients and the end", .timeLimit(.minutes(15)))
struct LifecycleTests {
    private func yaml(_ surface: Surface, _ port: Int) -> String {
        """
        providers:
          one:
            type: \(surface.provider)-compatible
            base_url: http://127.0.0.1:\(port)
            api_key: k
            retry: { max_attempts: 3, base_delay: 1ms }
        """
    }

    private static let eventHead =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

    private static func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    private static let first = Self.chunk(
        #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"one"},"finish_reason":null}]}"#
            + "\n\n")
    private static let rest =
        Self.chunk(
            #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" two"},"finish_reason":"stop"}]}"#
                + "\n\n") + Self.chunk("data: [DONE]\n\n") + "0\r\n\r\n"

    @Test("a drain lets a stream end whole, says 503 meanwhile, and takes nobody new", arguments: Surface.allCases)
    func drain(client: Surface) async throws {
        let open = Mutex<RawUpstream.Peer?>(nil)
        try await withUpstream({ peer, _ in
            open.withLock { $0 = peer }
            peer.send(Self.eventHead + Self.first)
        }) { upstream in
            let gateway = try await TestGateway.start(self.yaml(.openAI, upstream.port), listen: "drain: 30s")
            let streaming = try await gateway.connect()
            let idle = try await gateway.connect()
            #expect(try await idle.ask("GET", "/health").status == 200)
            let body = client.request("one/m", stream: true)
            try await streaming.send(
                "POST \(client.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
            await streaming.wait(for: "one")
            async let drained: Void = gateway.stop()
            // What is idle is closed at once, which shows that the drain has begun.
            await idle.untilClosed()
            let health = try await TestClient.connect(gateway.adminPort).ask("GET", "/health")
            #expect(health.status == 503, "\(health)")
            await #expect(throws: (any Error).self) { try await gateway.connect() }
            #expect(!streaming.isClosed)
            open.withLock { $0 }?.send(Self.rest)
            let reply = await streaming.reply()
            #expect(reply.status == 200 && reply.isWhole && reply.body.contains("two"), "\(reply.body)")
            #expect(reply.body.contains(client.endMarker))
            await streaming.untilClosed()
            await drained
            await #expect(throws: (any Error).self) { try await TestClient.connect(gateway.adminPort) }
        }
    }

    @Test(
        "a stream that outlasts the drain's limit ends with an error event, not in silence and not as if it were whole",
        arguments: Surface.allCases, Surface.allCases)
    func expires(client: Surface, upstream surface: Surface) async throws {
        var rule = MockRule()
        rule.reply.text = "one two"
        rule.fault = MockFault(at: .chunk(2), kind: .slow, for: .seconds(3_600))
        try await withMock(MockScript(delay: .zero, rules: [rule])) { engine, port in
            let gateway = try await TestGateway.start(self.yaml(surface, port), listen: "drain: 50ms")
            let connection = try await gateway.connect()
            try await connection.send(Self.post(client))
            await connection.wait(for: "one")
            await gateway.stop()
            let reply = await connection.reply()
            let code = client == .openAI ? "provider_unavailable" : "overloaded_error"
            #expect(reply.isWhole && reply.body.contains(#""\#(code)""#), "\(reply)")
            #expect(reply.body.hasSuffix("\n\n") && !reply.body.contains(client.endMarker), "\(reply)")
            await eventually { engine.statistics.total.aborted == 1 }
        }
    }

    @Test("what has no answer yet at the drain's limit is told that it is not available", arguments: Surface.allCases)
    func expiresUnanswered(client: Surface) async throws {
        let asked = Mutex(false)
        try await withUpstream({ _, _ in asked.withLock { $0 = true } }) { upstream in
            let gateway = try await TestGateway.start(self.yaml(.openAI, upstream.port), listen: "drain: 50ms")
            let connection = try await gateway.connect()
            try await connection.send(Self.post(client))
            await eventually { asked.withLock { $0 } }
            await gateway.stop()
            let reply = await connection.reply()
            #expect(reply.isWhole && reply.status == (client == .openAI ? 503 : 529), "\(reply)")
        }
    }

    @Test("a client that does not read keeps nobody past the drain's limit")
    func expiresUnread() async throws {
        let delta =
            #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"\#(String(repeating: "x", count: 60_000))"},"finish_reason":null}]}"#
            + "\n\n"
        try await withUpstream({ peer, _ in
            peer.send(Self.eventHead + Self.first)
            peer.flood(ByteBuffer(string: Self.chunk(delta)))
        }) { upstream in
            let gateway = try await TestGateway.start(self.yaml(.openAI, upstream.port), listen: "drain: 50ms")
            let connection = try await TestClient.connect(gateway.port, reads: false)
            try await connection.send(Self.post(.openAI))
            await eventually { upstream.requests.count == 1 }
            await gateway.stop()
            await #expect(throws: (any Error).self) { try await gateway.connect() }
            connection.close()
        }
    }

    private static func post(_ client: Surface) -> String {
        let body = client.request("one/m", stream: true)
        return "POST \(client.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test(
        "a client that leaves ends the upstream's call, as nobody's fault",
        arguments: Surface.allCases, [true, false])
    func leaves(client: Surface, isStreaming: Bool) async throws {
        var rule = MockRule()
        rule.fault = MockFault(at: .chunk(2), kind: .slow, for: .seconds(3_600))
        if !isStreaming { rule.reply.delay = .seconds(3_600) }
        rule.reply.text = "one two"
        try await withMock(MockScript(delay: .zero, rules: [rule])) { engine, port in
            try await withGateway(self.yaml(.openAI, port)) { gateway in
                let connection = try await gateway.connect()
                let body = client.request("one/m", stream: isStreaming)
                try await connection.send(
                    "POST \(client.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
                if isStreaming { await connection.wait(for: "one") }
                await eventually { engine.statistics.total.requests == 1 }
                connection.close()
                // Nothing else ends a call that would take an hour.
                await eventually { engine.statistics.total.aborted == 1 }
                #expect(engine.statistics.total.aborted == 1)
                if isStreaming {
                    await eventually { gateway.counts.requests == 1 }
                    #expect((gateway.counts.abandoned, gateway.counts.failed) == (1, 0))
                }
                // Nobody asks again for a client that has gone, and nobody is blamed.
                let next = try await gateway.connect()
                #expect(try await next.ask("GET", "/health").status == 200)
                #expect(engine.statistics.total.requests == 1)
                #expect(!gateway.log.lines.contains { $0.level >= .warning })
            }
        }
    }

    @Test("requests sent at once are answered in their order", arguments: Surface.allCases)
    func pipelines(client: Surface) async throws {
        try await withUpstream({ peer, request in
            let name = request.contains("m-1") ? "first" : request.contains("m-2") ? "second" : "third"
            peer.send(response(Surface.openAI.wholeReply.replacing("fine", with: name)))
        }) { upstream in
            try await withGateway(self.yaml(.openAI, upstream.port)) { gateway in
                let connection = try await gateway.connect()
                var text = ""
                for model in ["m-1", "nobody", "m-2", "m-3"] {
                    let body = client.request(model == "nobody" ? "nobody/x" : "one/\(model)")
                    text +=
                        "POST \(client.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
                }
                try await connection.send(text)
                #expect(await connection.reply().body.contains("first"))
                #expect(await connection.reply().status == 404)
                #expect(await connection.reply().body.contains("second"))
                #expect(await connection.reply().body.contains("third"))
            }
        }
    }

    @Test("a client that does not read holds the upstream up", arguments: Surface.allCases)
    func backpressure(client: Surface) async throws {
        let sent = Atomic<Int>(0)
        let delta =
            #"data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"\#(String(repeating: "x", count: 60_000))"},"finish_reason":null}]}"#
            + "\n\n"
        let piece = ByteBuffer(string: Self.chunk(delta))
        @Sendable func flood(_ peer: RawUpstream.Peer) {
            peer.write(piece).whenSuccess {
                sent.add(piece.readableBytes, ordering: .relaxed)
                flood(peer)
            }
        }
        try await withUpstream({ peer, _ in
            peer.send(Self.eventHead + Self.first)
            flood(peer)
        }) { upstream in
            try await withGateway(self.yaml(.openAI, upstream.port)) { gateway in
                let connection = try await TestClient.connect(gateway.port, reads: false)
                let body = client.request("one/m", stream: true)
                try await connection.send(
                    "POST \(client.path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
                // Standing still is shown by time alone: three looks in a row, after something was sent.
                var looks: [Int] = []
                while looks.suffix(4).count < 4 || looks.last == 0 || Set(looks.suffix(4)).count > 1 {
                    try await Task.sleep(for: .milliseconds(100))
                    looks.append(sent.load(ordering: .relaxed))
                    // The kernel's buffers of two connections, and not what the upstream could send.
                    try #require(looks[looks.count - 1] < 48 << 20, "the gateway takes everything")
                }
                let held = looks[looks.count - 1]
                connection.startReading()
                await eventually { sent.load(ordering: .relaxed) > held + (1 << 20) }
                #expect(sent.load(ordering: .relaxed) > held)
                connection.close()
            }
        }
    }
}
