import Testing

@Suite("The admin listener and browsers", .timeLimit(.minutes(15)))
struct AdminTests {
    private static let yaml = "providers:\n  mock: { type: mock, delay: 0s }\n"

    @Test(
        "each path answers, and only to GET and HEAD",
        arguments: [
            "/health", "/health/detailed", "/health/providers", "/health/metrics", "/health/live", "/health/ready",
        ])
    func paths(path: String) async throws {
        try await withGateway(Self.yaml) { gateway in
            let connection = try await TestClient.connect(gateway.adminPort)
            let reply = try await connection.ask("GET", path)
            #expect(reply.status == 200 && reply.headers["content-type"] == "application/json", "\(reply)")
            #expect(reply.body.hasPrefix("{"))
            for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
                let refused = try await connection.ask(method, path, body: "{}")
                #expect(refused.status == 405 && refused.headers["allow"] == "GET, HEAD", "\(method) \(refused)")
            }
            #expect(try await connection.ask("GET", path + "/more").status == 404)
            #expect(try await connection.ask("GET", "/v1/models").status == 404)
        }
    }

    @Test("what has been served is counted", arguments: Surface.allCases)
    func metrics(client: Surface) async throws {
        try await withGateway(Self.yaml) { gateway in
            let connection = try await gateway.connect()
            for isStreaming in [false, true] {
                #expect(
                    try await connection.post(client.path, client.request("mock/m", stream: isStreaming)).status == 200)
            }
            let reply = try await TestClient.connect(gateway.adminPort).ask("GET", "/health/metrics")
            #expect(
                reply.body.hasPrefix(#"{"requests":2,"failed":0,"abandoned":0,"without_usage":0,"#), "\(reply.body)")
            #expect(reply.body.contains(#""unanswered":0"#) && reply.body.contains(#""provider":"mock","model":"m""#))
            #expect(reply.headers["cache-control"] == "no-store")
        }
    }

    @Test(
        "on loopback only this machine's names and pages are let in",
        arguments: [
            ("host: localhost:4004", 200), ("host: 127.0.0.1", 200), ("host: [::1]:4004", 200),
            ("host: LOCALHOST", 200), ("host: evil.example", 403), ("host: localhost.evil.example", 403),
            ("host: 127.0.0.1.evil.example", 403), ("host: 10.0.0.1", 403),
            ("host: [::1]", 200), ("host: [::1]x", 403), ("host: [::1].evil.example:80", 403),
            ("host: [::1]:80x", 403), ("host: localhost:80.evil.example", 403),
            ("host: localhost\r\norigin: http://localhost:4004", 200),
            ("host: localhost\r\norigin: http://evil.example", 403),
            ("host: localhost\r\norigin: null", 403), ("host: localhost\r\norigin: file://localhost", 403),
            ("host: localhost\r\norigin: https://localhost.evil.example", 403),
        ])
    func rebinding(headers: String, status: Int) async throws {
        try await withGateway(Self.yaml) { gateway in
            let connection = try await TestClient.connect(gateway.adminPort)
            try await connection.send("GET /health/detailed HTTP/1.1\r\n\(headers)\r\n\r\n")
            let reply = await connection.reply()
            #expect(reply.status == status, "\(reply)")
            #expect(reply.headers["access-control-allow-origin"] == nil)
            if status == 403 { #expect(reply.body.contains("permission_error")) }
        }
    }

    @Test("CORS is off by default, and for the listed origins only when on")
    func cors() async throws {
        let preflight = ["origin: https://app.example", "access-control-request-method: POST"]
        try await withGateway(Self.yaml) { gateway in
            let connection = try await gateway.connect()
            let reply = try await connection.ask("OPTIONS", "/v1/chat/completions", preflight)
            #expect(reply.headers["access-control-allow-origin"] == nil, "\(reply)")
            let health = try await connection.ask("GET", "/health", ["origin: https://app.example"])
            #expect(health.headers["access-control-allow-origin"] == nil)
        }
        let listen = #"drain: 0s, cors: { origins: ["https://app.example"] }"#
        try await withGateway(Self.yaml, listen: listen) { gateway in
            let connection = try await gateway.connect()
            let reply = try await connection.ask("OPTIONS", "/v1/chat/completions", preflight)
            #expect((200...204).contains(reply.status))
            #expect(reply.headers["access-control-allow-origin"] == "https://app.example", "\(reply)")
            let other = try await connection.ask("GET", "/health", ["origin: https://evil.example"])
            #expect(other.headers["access-control-allow-origin"] == nil)
            // An error and a stream carry it too, or the page could not read them.
            for (model, isStreaming) in [("nobody/m", false), ("mock/m", true)] {
                let reply = try await connection.post(
                    "/v1/chat/completions", Surface.openAI.request(model, stream: isStreaming),
                    ["origin: https://app.example"])
                #expect(reply.headers["access-control-allow-origin"] == "https://app.example", "\(reply)")
            }
        }
    }
}
