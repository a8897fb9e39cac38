import Logging
import NIOCore
import Testing

/// What an upstream may say instead of an answer, and what the operator then reads.
struct Lie: Sendable, CustomTestStringConvertible {
    var name: String
    /// A part of what the log says.
    var logged: String
    var status = 502
    var isStreaming = false
    /// Whether it is of many megabytes, and told to one surface only.
    var isHeavy = false
    var tell: @Sendable (RawUpstream.Peer, Surface) -> Void

    var testDescription: String { self.name }

    static let all: [Lie] = [
        Lie(name: "a content-length that is too long", logged: "cut short") { peer, surface in
            let body = surface.wholeReply
            peer.end(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count + 10)\r\n\r\n\(body)"
            )
        },
        Lie(name: "a content-length that is too short", logged: "JSON") { peer, surface in
            let body = surface.wholeReply
            peer.send(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count - 10)\r\n\r\n\(body)"
            )
        },
        Lie(name: "two lengths", logged: "two content-length") { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}")
        },
        Lie(name: "a length and chunks", logged: "both content-length and transfer-encoding") { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        },
        Lie(name: "a 200 that is no JSON", logged: "JSON") { peer, _ in peer.send(response("I am a teapot")) },
        Lie(name: "a 200 with the wrong JSON", logged: "provider") { peer, _ in peer.send(response("[1,2,3]")) },
        Lie(name: "a 200 with nothing in it", logged: "JSON") { peer, _ in peer.send(response("")) },
        Lie(name: "a 204", logged: "provider") { peer, _ in peer.send("HTTP/1.1 204 No Content\r\n\r\n") },
        Lie(name: "a redirect", logged: "302") { peer, _ in
            peer.send("HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n")
        },
        Lie(name: "an HTML page with 200", logged: "JSON") { peer, _ in
            peer.send(response("<html><body>Welcome</body></html>", type: "text/html"))
        },
        Lie(name: "an HTML page with 502", logged: "502") { peer, _ in
            peer.send(response("<html><h1>Bad Gateway</h1></html>", "502 Bad Gateway", type: "text/html"))
        },
        Lie(name: "an HTML page with 500", logged: "500") { peer, _ in
            peer.send(response("<html><h1>Oops</h1></html>", "500 Oops", type: "text/html"))
        },
        Lie(name: "an error without end", logged: "500") { peer, _ in
            peer.send("HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\ncontent-length: 9000000000\r\n\r\n")
            peer.flood(ByteBuffer(repeating: UInt8(ascii: "x"), count: 64 << 10))
        },
        Lie(name: "headers without end", logged: "head") { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\n")
            peer.flood(ByteBuffer(string: String(repeating: "x-more: and more\r\n", count: 200)))
        },
        Lie(name: "interim responses without end", logged: "interim") { peer, _ in
            peer.flood(
                ByteBuffer(string: String(repeating: "HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n", count: 100)))
        },
        Lie(name: "a body without end", logged: "large", isHeavy: true) { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
            peer.flood(ByteBuffer(repeating: UInt8(ascii: " "), count: 256 << 10))
        },
        Lie(name: "a length over the limit", logged: "large", isHeavy: true) { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9000000000\r\n\r\n{")
            peer.flood(ByteBuffer(repeating: UInt8(ascii: " "), count: 256 << 10))
        },
        Lie(name: "a compressed body", logged: "gzip") { peer, _ in
            peer.send(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd"
            )
        },
        Lie(name: "chunks of garbage", logged: "chunk size") { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
        },
        Lie(name: "a chunk of more than can be counted", logged: "chunk size") { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}")
        },
        Lie(name: "the end after the status line", logged: "cut short") { peer, _ in
            peer.end("HTTP/1.1 200 OK\r\n")
        },
        Lie(name: "another protocol", logged: "HTTP") { peer, _ in peer.send("220 smtp.example.com ESMTP\r\n\r\n") },
        Lie(name: "events for a whole request", logged: "JSON") { peer, surface in
            peer.send(response("data: {}\n\n\(surface.endMarker)\n\n", type: "text/event-stream"))
        },
        Lie(name: "one JSON for a stream", logged: "stream", isStreaming: true) { peer, surface in
            peer.send(response(surface.wholeReply))
        },
        Lie(name: "an HTML page for a stream", logged: "provider", isStreaming: true) { peer, _ in
            peer.send(response("<html>Welcome</html>", type: "text/html"))
        },
        Lie(name: "a stream with nothing in it", logged: "stream", isStreaming: true) { peer, _ in
            peer.send(response("", type: "text/event-stream"))
        },
        Lie(name: "a stream of one event without end", logged: "event", isStreaming: true, isHeavy: true) { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ")
            peer.flood(ByteBuffer(repeating: UInt8(ascii: "x"), count: 256 << 10))
        },
        Lie(name: "a compressed stream", logged: "gzip", isStreaming: true) { peer, _ in
            peer.send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\nabcd")
        },
    ]
}

@Suite("Upstreams that lie", .timeLimit(.minutes(15)))
struct LyingUpstreamTests {
    @Test("each lie is a clear 502, told to the operator, and the client's connection stays", arguments: Lie.all)
    func lies(lie: Lie) async throws {
        for upstream in Surface.allCases {
            try await withUpstream({ peer, request in
                request.contains("broken") ? lie.tell(peer, upstream) : peer.send(response(upstream.wholeReply))
            }) { server in
                let yaml = """
                    providers:
                      one:
                        type: \(upstream.provider)-compatible
                        base_url: http://127.0.0.1:\(server.port)
                        api_key: sk-secret
                        timeouts: { first_token: 60s, idle: 60s }
                        retry: { max_attempts: 1 }
                    """
                try await withGateway(yaml) { gateway in
                    let connection = try await gateway.connect()
                    let clients = lie.isHeavy ? [upstream] : Surface.allCases
                    for client in clients {
                        let reply = try await connection.post(
                            client.path, client.request("one/broken", stream: lie.isStreaming))
                        #expect(reply.status == lie.status && reply.isWhole, "\(upstream) \(client): \(reply)")
                        #expect(reply.headers["content-type"] == "application/json")
                        for name in client.names(.broken) { #expect(reply.body.contains(name), "\(reply.body)") }
                        #expect(!reply.body.contains("<h") && !reply.body.contains("sk-secret"))
                        let fine = try await connection.post(client.path, client.request("one/fine"))
                        #expect(fine.status == 200 && fine.body.contains("fine"), "\(fine.body)")
                    }
                    let lines = gateway.log.lines.filter { $0.level == .warning && $0.metadata["provider"] == "one" }
                    #expect(lines.count == clients.count)
                    for line in lines {
                        let text = line.message + " " + (line.metadata["cause"] ?? "")
                        #expect(text.contains(lie.logged), "\(text)")
                        #expect(line.metadata["status"] == "502" && line.metadata["request_id"] != nil)
                        #expect(!text.contains("sk-secret"))
                    }
                }
            }
        }
    }
}
