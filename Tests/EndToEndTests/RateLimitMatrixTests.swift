import HTTPTypes
import NIOCore
import NeedletailGateway
import Testing

/// What a client sees of 429s, whatever form the provider's hint has: 429 exactly when every candidate was limited.
@Suite("Rate limits of providers", .timeLimit(.minutes(15)))
struct RateLimitMatrixTests {
    /// A form of a provider's hint, and what a client is told at least, in seconds.
    struct Hint: Sendable, CustomTestStringConvertible {
        var name: String
        var headers: [String: String] = [:]
        var body: String = #"{"error":{"message":"Slow down."}}"#
        var seconds: Int?
        var testDescription: String { self.name }
    }

    static let hints = [
        Hint(name: "none"),
        Hint(name: "retry-after, seconds", headers: ["retry-after": "70"], seconds: 70),
        Hint(name: "retry-after, a fraction", headers: ["retry-after": "70.5"], seconds: 71),
        Hint(name: "retry-after, a date", headers: ["retry-after": "Fri, 31 Dec 2100 23:59:59 GMT"], seconds: 86_400),
        Hint(name: "retry-after-ms", headers: ["retry-after-ms": "70001"], seconds: 71),
        Hint(
            name: "OpenAI's resets",
            headers: ["x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m10s"], seconds: 70),
        Hint(
            name: "the longer of two resets",
            headers: [
                "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "70s",
            ], seconds: 70),
        Hint(
            name: "the IETF's draft", headers: ["ratelimit-remaining": "0", "ratelimit-reset": "70"], seconds: 70),
        Hint(
            name: "OpenAI's prose", body: #"{"error":{"message":"Please try again in 70s. Visit us."}}"#, seconds: 70),
        Hint(
            name: "Google's details",
            body: #"{"error":{"code":429,"message":"x","details":[{"@type":"b","retryDelay":"70s"}]}}"#, seconds: 70),
        Hint(name: "a member of the body", body: #"{"detail":"Throttled.","retry_after":70}"#, seconds: 70),
    ]

    private func rule(_ model: String, _ hint: Hint) throws -> MockRule {
        var rule = MockRule()
        rule.match.model = model
        rule.reply.status = 429
        for (name, value) in hint.headers { rule.reply.headers[try #require(HTTPField.Name(name))] = value }
        rule.reply.raw = .init(bytes: ByteBuffer(string: hint.body), contentType: "application/json")
        return rule
    }

    private func broken(_ model: String, _ status: Int) -> MockRule {
        var rule = MockRule()
        rule.match.model = model
        rule.reply.status = status
        return rule
    }

    private func yaml(_ port: Int) -> String {
        let providers = ["one", "two"].map {
            "  \($0): { type: openai-compatible, base_url: 'http://127.0.0.1:\(port)', api_key: sk-\($0), "
                + "retry: { max_attempts: 1 } }\n"
        }
        return "providers:\n" + providers.joined() + "models:\n  chat: { targets: [one/a, two/b] }\n"
    }

    @Test(
        "where every candidate is limited the client gets 429 and the time to wait", arguments: Self.hints,
        Surface.allCases)
    func limited(hint: Hint, client: Surface) async throws {
        let rules = try [self.rule("a", hint), self.rule("b", hint)]
        try await withMock(MockScript(delay: .zero, rules: rules)) { engine, port in
            try await withGateway(self.yaml(port)) { gateway in
                for isStreaming in [false, true] {
                    let reply = try await gateway.connect().post(
                        client.path, client.request("chat", stream: isStreaming))
                    #expect(reply.status == 429, "\(reply.body)")
                    #expect(reply.body.contains("rate_limit_error"), "\(reply.body)")
                    let told = try #require(reply.headers["retry-after"].flatMap(Int.init))
                    // Time passes on a busy machine; nothing is told that is longer than what was asked for.
                    // No provider is left alone for longer than an hour, whatever it asks for: later requests are told that.
                    if let seconds = hint.seconds {
                        #expect((min(seconds, 3_600) - 30...seconds).contains(told), "told \(told)")
                    }
                    #expect(told >= 1)
                }
            }
        }
    }

    @Test("where another candidate failed otherwise the client is not told of a limit", arguments: [500, 503])
    func mixed(status: Int) async throws {
        let limited = try self.rule("a", Hint(name: "x", headers: ["retry-after": "70"]))
        for rules in [[limited, self.broken("b", status)]] {
            try await withMock(MockScript(delay: .zero, rules: rules)) { engine, port in
                try await withGateway(self.yaml(port)) { gateway in
                    let reply = try await gateway.connect().post(
                        Surface.openAI.path, Surface.openAI.request("chat"))
                    #expect(reply.status == (status == 500 ? 502 : 503), "\(reply.body)")
                }
            }
        }
    }

    @Test("where another candidate is well the client sees nothing of it")
    func well() async throws {
        let limited = try self.rule("a", Hint(name: "x", headers: ["retry-after": "70"]))
        try await withMock(MockScript(delay: .zero, rules: [limited])) { engine, port in
            try await withGateway(self.yaml(port)) { gateway in
                let reply = try await gateway.connect().post(Surface.openAI.path, Surface.openAI.request("chat"))
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-attempts"] == "2")
            }
        }
    }
}
