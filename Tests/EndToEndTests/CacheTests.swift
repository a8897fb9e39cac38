import NeedletailCore
import NeedletailGateway
import Testing

/// The reply cache through a whole gateway.
@Suite("Cache, end to end", .timeLimit(.minutes(15)))
struct CacheTests {
    private static let script = MockScript(usage: MockUsage(input: 12, output: 34), delay: .zero)

    private static func yaml(_ port: Int, _ cache: String = "cache: true") -> String {
        """
        providers:
          up: { type: openai-compatible, base_url: "http://127.0.0.1:\(port)", api_key: sk-test }
        models:
          m: { targets: [up/real-model] }
        \(cache)
        """
    }

    private static let chat = #"{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"hello"}]}"#
    private static let stream =
        #"{"model":"m","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"hello"}]}"#

    @Test("one call answers four clients: two dialects, whole and streamed")
    func shares() async throws {
        try await withMock(Self.script) { mock, port in
            try await withGateway(Self.yaml(port)) { gateway in
                let client = try await gateway.connect()
                let first = try await client.post("/v1/chat/completions", Self.chat)
                #expect(first.headers["x-needletail-cache"] == "miss")
                let text = try #require(
                    try JSONText(first.body).view()["choices"]?.elements.first { _ in true }?["message"]?["content"]?
                        .string)
                let again = try await client.post("/v1/chat/completions", Self.chat)
                #expect(again.headers["x-needletail-cache"] == "hit")
                #expect(again.headers["age"].flatMap { Int($0) } != nil)
                #expect(again.body == first.body)
                let message = try await client.post("/v1/messages", Self.chat)
                #expect(message.headers["x-needletail-cache"] == "hit")
                #expect(
                    try JSONText(message.body).view()["content"]?.elements.first { _ in true }?["text"]?.string == text)
                for path in ["/v1/chat/completions", "/v1/messages"] {
                    let streamed = try await client.post(path, Self.stream)
                    #expect(streamed.status == 200)
                    #expect(streamed.headers["x-needletail-cache"] == "hit")
                    #expect(streamed.body.contains(text), "\(streamed.body)")
                }
                #expect(mock.statistics.total.requests == 1)
            }
        }
    }

    @Test("no-store, only-if-cached and nonsense in the header")
    func header() async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway(Self.yaml(port)) { gateway in
                let client = try await gateway.connect()
                let name = "x-needletail-cache"
                let absent = try await client.post(
                    "/v1/chat/completions", Self.chat, ["\(name): only-if-cached"])
                #expect(absent.status == 504)
                let bypass = try await client.post("/v1/chat/completions", Self.chat, ["\(name): no-store"])
                #expect(bypass.headers[name] == "bypass")
                let nonsense = try await client.post("/v1/chat/completions", Self.chat, ["\(name): perhaps"])
                #expect(nonsense.status == 400)
            }
        }
    }

    @Test("without a cache no header speaks of one")
    func off() async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway(Self.yaml(port, "cache: false")) { gateway in
                let client = try await gateway.connect()
                let reply = try await client.post("/v1/chat/completions", Self.chat)
                #expect(reply.status == 200)
                #expect(reply.headers["x-needletail-cache"] == nil)
            }
        }
    }
}
