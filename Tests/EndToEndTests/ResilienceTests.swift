import NIOCore
import NeedletailCore
import NeedletailGateway
import NeedletailTesting
import Testing

@Suite("Resilience end to end", .timeLimit(.minutes(10)))
struct ResilienceTests {
    private static let chat = #"{"model":"chat","messages":[{"role":"user","content":"hello"}]}"#

    private func script(_ change: (inout MockRule) -> Void) -> MockScript {
        var rule = MockRule()
        change(&rule)
        return MockScript(delay: .zero, rules: [rule])
    }

    private static func provider(_ name: String, _ port: Int, _ settings: String = "") -> String {
        "  \(name): { type: openai-compatible, base_url: \"http://127.0.0.1:\(port)\", retry: false, \(settings) }\n"
    }

    @Test("an upstream that fails is left alone after the threshold, and the client is told when to come again")
    func breaker() async throws {
        try await withMock(self.script { $0.reply.status = 500 }) { engine, port in
            let yaml = """
                providers:
                \(Self.provider("a", port, "circuit_breaker: { failure_threshold: 3 }"))
                models: { chat: { targets: [a/m] } }
                """
            try await withGateway(yaml) { gateway in
                let connection = try await gateway.connect()
                for turn in 0..<5 {
                    let reply = try await connection.post("/v1/chat/completions", Self.chat)
                    #expect(reply.status == (turn < 3 ? 502 : 503), "\(reply.body)")
                    if turn >= 3 { #expect((Int(reply.headers["retry-after"] ?? "") ?? 0) > 50) }
                }
                #expect(engine.statistics.total.requests == 3)
            }
        }
    }

    @Test("a key's limits are told with every reply, and hold", arguments: ["chat", "messages"])
    func keyLimits(surface: String) async throws {
        let yaml = """
            providers: { m: { type: mock, delay: 0s } }
            models: { chat: { targets: [m] } }
            keys: [ { name: dev, key: "sk-secret", limits: { rpm: 2, tpm: 100000 } } ]
            """
        try await withGateway(yaml) { gateway in
            let connection = try await gateway.connect()
            let isChat = surface == "chat"
            let path = isChat ? "/v1/chat/completions" : "/v1/messages"
            let body = isChat ? Self.chat : String(Self.chat.dropLast()) + #","max_tokens":9}"#
            for turn in 0..<3 {
                let reply = try await connection.post(path, body, ["x-api-key: sk-secret"])
                #expect(reply.status == (turn < 2 ? 200 : 429), "\(reply.body)")
                let name = isChat ? "x-ratelimit-remaining-requests" : "anthropic-ratelimit-requests-remaining"
                #expect(reply.headers[name] == String(max(0, 1 - turn)))
                #expect(
                    reply.headers[isChat ? "x-ratelimit-limit-tokens" : "anthropic-ratelimit-tokens-limit"] == "100000")
                // Half a minute, less what has passed since the first.
                if turn == 2 { #expect((1...30).contains(Int(reply.headers["retry-after"] ?? "") ?? 0)) }
            }
        }
    }

    @Test("requests over a provider's concurrency wait for their turn")
    func concurrency() async throws {
        let yaml = """
            providers: { m: { type: mock, delay: 20ms, limits: { concurrency: 1 } } }
            models: { chat: { targets: [m] } }
            """
        try await withGateway(yaml) { gateway in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await gateway.connect().post("/v1/chat/completions", Self.chat).status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 200, count: 8))
        }
    }

    @Test("a request that is too long for a model goes to the group for such requests")
    func contextWindow() async throws {
        let refusing = self.script { rule in
            rule.reply.status = 400
            rule.reply.text = "This model's maximum context length is 10 tokens."
        }
        try await withMock(refusing) { engine, port in
            let yaml = """
                providers:
                \(Self.provider("a", port))
                  m: { type: mock, delay: 0s }
                models:
                  chat: { targets: [a/m], fallbacks: { context_window: long } }
                  long: { targets: [m/large] }
                """
            try await withGateway(yaml) { gateway in
                let reply = try await gateway.connect().post("/v1/chat/completions", Self.chat)
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-model"] == "large")
                #expect(reply.headers["x-needletail-attempts"] == "2")
                #expect(engine.statistics.total.requests == 1)
            }
        }
    }
}
