import NIOCore
import NeedletailCore
import NeedletailGateway
import Testing

/// What clients see of money: the cost of a reply, and a budget that is spent.
@Suite("Money", .timeLimit(.minutes(5)))
struct MoneyTests {
    /// 12 input and 34 output tokens of gpt-4o-mini: 12 × $0.15 and 34 × $0.60 for a million.
    private static let script = MockScript(
        usage: MockUsage(input: 12, output: 34), delay: .zero)
    private static let cost = "0.0000222"

    private static func chat(_ model: String, _ more: String = "") -> String {
        #"{"model":"\#(model)"\#(more),"max_tokens":40,"messages":[{"role":"user","content":"Hi"}]}"#
    }

    private static func provider(_ name: String, _ port: Int, _ more: String = "") -> String {
        "  \(name): { type: openai, base_url: \"http://127.0.0.1:\(port)\", api_key: sk-\(name)\(more) }\n"
    }

    @Test("A whole reply tells its cost, exactly; a stream does not")
    func header() async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway("providers:\n" + Self.provider("main", port)) { gateway in
                let client = try await gateway.connect()
                let reply = try await client.post("/v1/chat/completions", Self.chat("main/gpt-4o-mini"))
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-cost-usd"] == Self.cost)
                let unknown = try await client.post("/v1/chat/completions", Self.chat("main/in-house"))
                #expect(unknown.status == 200)
                #expect(unknown.headers["x-needletail-cost-usd"] == nil)
                let stream = try await client.post(
                    "/v1/chat/completions", Self.chat("main/gpt-4o-mini", #","stream":true"#))
                #expect(stream.status == 200 && stream.headers["x-needletail-cost-usd"] == nil)
            }
        }
    }

    @Test("Prices of the configuration and discounts hold")
    func overrides() async throws {
        let prices = """
            prices:
              models:
                main/in-house: { input: 1.00, output: 2.00 }
                "main/alias": { same_as: openai/gpt-4o-mini, discount: 0 }

            """
        try await withMock(Self.script) { _, port in
            try await withGateway("providers:\n" + Self.provider("main", port, ", discount: 0.5") + prices) { gateway in
                let client = try await gateway.connect()
                for (model, cost) in [
                    ("gpt-4o-mini", "0.0000111"), ("in-house", "0.00004"), ("alias", Self.cost),
                ] {
                    let reply = try await client.post("/v1/chat/completions", Self.chat("main/\(model)"))
                    #expect(reply.headers["x-needletail-cost-usd"].flatMap { Money($0) } == Money(cost), "\(model)")
                }
            }
        }
    }

    @Test("A budget that is spent refuses in the client's dialect, and nothing is sent")
    func spent() async throws {
        let keys = "keys: [{ name: dev, key: k, budget: { limit: \"0.0001\", per: day } }]\n"
        try await withMock(Self.script) { engine, port in
            try await withGateway("providers:\n" + Self.provider("main", port) + keys) { gateway in
                let client = try await gateway.connect()
                let key = ["authorization: Bearer k"]
                var served = 0
                var last = TestClient.Reply()
                for _ in 0..<20 {
                    last = try await client.post("/v1/chat/completions", Self.chat("main/gpt-4o-mini"), key)
                    guard last.status == 200 else { break }
                    served += 1
                }
                #expect((1...4).contains(served), "\(served) × $0.0000222 of $0.0001, each held with more")
                #expect(last.status == 429)
                #expect(last.body.contains("insufficient_quota"))
                #expect(last.headers["x-should-retry"] == "false")
                #expect(last.headers["retry-after"].flatMap { Int($0) }.map { $0 >= 1 && $0 <= 86_400 } ?? false)
                let messages = try await client.post("/v1/messages", Self.chat("main/gpt-4o-mini"), key)
                #expect(messages.status == 402 && messages.body.contains("billing_error"), "\(messages.body)")
                #expect(engine.statistics.total.requests == served)
            }
        }
    }

    @Test("An unknown price is refused where a budget counts money, unless the operator names one for it")
    func unknown() async throws {
        let keys = "keys: [{ name: dev, key: k, budget: { limit: 1.00 } }]\n"
        try await withMock(Self.script) { _, port in
            let base = "providers:\n" + Self.provider("main", port) + keys
            for (more, status) in [
                ("", 429), ("prices: { unknown: allow }\n", 200), ("prices: { unknown: { per_call: 0.6 } }\n", 200),
            ] {
                try await withGateway(base + more) { gateway in
                    let client = try await gateway.connect()
                    let reply = try await client.post(
                        "/v1/chat/completions", Self.chat("main/in-house"), ["authorization: Bearer k"])
                    #expect(reply.status == status, "\(reply.body)")
                    guard more.contains("per_call") else { return }
                    let second = try await client.post(
                        "/v1/chat/completions", Self.chat("main/in-house"), ["authorization: Bearer k"])
                    #expect(second.status == 429, "0.60 of 1.00 are spent")
                }
            }
        }
    }

    @Test("A client's own bound holds for the request")
    func maximumCost() async throws {
        try await withMock(Self.script) { _, port in
            try await withGateway("providers:\n" + Self.provider("main", port)) { gateway in
                let client = try await gateway.connect()
                for (bound, status) in [("0.000001", 429), ("1.00", 200), ("much", 400)] {
                    let reply = try await client.post(
                        "/v1/chat/completions", Self.chat("main/gpt-4o-mini"), ["x-needletail-max-cost: \(bound)"])
                    #expect(reply.status == status, "\(bound): \(reply.body)")
                }
            }
        }
    }

    @Test("Where one provider's daily budget is spent the next answers")
    func providerBudget() async throws {
        let providers =
            "providers:\n" + Self.provider("first", 0, ", limits: { daily_budget: \"0.000001\" }")
        try await withMock(Self.script) { engine, port in
            let text =
                providers.replacing("127.0.0.1:0", with: "127.0.0.1:\(port)") + Self.provider("second", port)
                + "models:\n  chat: { targets: [first/gpt-4o-mini, second/gpt-4o-mini] }\n"
            try await withGateway(text) { gateway in
                let client = try await gateway.connect()
                let reply = try await client.post("/v1/chat/completions", Self.chat("chat"))
                #expect(reply.status == 200, "\(reply.body)")
                #expect(reply.headers["x-needletail-provider"] == "second")
                #expect(engine.statistics.total.requests == 1)
            }
        }
    }
}
