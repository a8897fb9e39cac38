import NIOCore
import NeedletailCore
import NeedletailGateway
import Testing

@testable import NeedletailControl

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

    @Test(
        "A spent budget lets a cheaper group answer, or less output, and the reply's headers say so; tags have budgets")
    func exhaustion() async throws {
        let yaml = """
            models:
              cheap: { targets: [second/gpt-4o-mini] }
            budgets:
              - { name: small, provider: main, limit: "0.00002", per: day, on_exhausted: { downgrade: cheap } }
              - { name: tagged, each: tag, tokens: 120, per: day, clamp: true }

            """
        try await withMock(Self.script) { engine, port in
            let providers = "providers:\n" + Self.provider("main", port) + Self.provider("second", port)
            try await withGateway(providers + yaml) { gateway in
                let client = try await gateway.connect()
                let spent = try await client.post("/v1/chat/completions", Self.chat("main/gpt-4o-mini"))
                #expect(spent.status == 200, "\(spent.body)")
                #expect(spent.headers["x-needletail-provider"] == "second")
                #expect(spent.headers["x-needletail-downgraded"] == "small")
                #expect(spent.headers["x-needletail-attempts"] == "1")
                let short =
                    #"{"model":"second/gpt-4o-mini","max_tokens":400,"messages":[{"role":"user","content":"Hi"}]}"#
                let clamped = try await client.post(
                    "/v1/chat/completions", short, ["x-needletail-tags: nightly"])
                #expect(clamped.status == 200, "\(clamped.body)")
                let limit = clamped.headers["x-needletail-max-tokens"].flatMap { Int($0) }
                #expect(limit.map { $0 > 0 && $0 < 120 } ?? false, "\(clamped.headers)")
                let free = try await client.post("/v1/chat/completions", short)
                #expect(free.status == 200 && free.headers["x-needletail-max-tokens"] == nil)
                let bad = try await client.post("/v1/chat/completions", short, ["x-needletail-tags: a b"])
                #expect(bad.status == 400 && bad.body.contains("x-needletail-tags"), "\(bad.body)")
                #expect(engine.statistics.total.requests == 3)
            }
        }
    }

    @Test("A stream that goes beyond its hold is cut with an error event in the client's dialect")
    func cut() async throws {
        // A provider that does not care for max_tokens.
        var answer = MockScriptedReply()
        answer.text = String(repeating: "On and on and on. ", count: 4_000)
        answer.chunks = 400
        let script = MockScript(delay: .zero, rules: [MockRule(reply: answer)])
        let keys = "keys: [{ name: dev, key: k, budget: { limit: \"0.01\", per: day } }]\n"
        try await withMock(script) { _, port in
            try await withGateway("providers:\n" + Self.provider("main", port) + keys) { gateway in
                for path in ["/v1/chat/completions", "/v1/messages"] {
                    let client = try await gateway.connect()
                    let stream = try await client.post(
                        path, Self.chat("main/gpt-4o-mini", #","stream":true"#), ["authorization: Bearer k"])
                    #expect(stream.status == 200)
                    #expect(stream.body.contains("The reply was cut"), "\(stream.body.suffix(300))")
                    #expect(!stream.body.contains("[DONE]") && !stream.body.contains("message_stop"))
                    #expect(stream.body.utf8.count < 400 * 300)
                }
            }
        }
    }

    @Test("A quote tells the least and the most for each candidate, unknown prices as unknown, and asks nobody")
    func quote() async throws {
        try await withMock(Self.script) { engine, port in
            let yaml =
                "providers:\n" + Self.provider("main", port)
                + "models:\n  chat: { targets: [main/gpt-4o-mini, main/in-house], fallbacks: [main/gpt-4o] }\n"
            try await withGateway(yaml) { gateway in
                let admin = try await TestClient.connect(gateway.adminPort)
                let quote = try await admin.post("/admin/v1/quote", Self.chat("chat"))
                #expect(quote.status == 200, "\(quote.body)")
                let root = try JSONDocument(ByteBuffer(string: quote.body)).root
                let candidates = (root["candidates"]?.elements).map { Array($0) } ?? []
                #expect(candidates.map { $0["model"]?.string } == ["gpt-4o-mini", "in-house", "gpt-4o"])
                #expect(candidates.map { $0["price_known"]?.bool } == [true, false, true])
                #expect(candidates.map { $0["fallback"]?.bool } == [false, false, true])
                #expect(root["most_usd"]?.isNull == true, "one price is unknown")
                #expect(root["price_version"]?.string?.isEmpty == false)
                let client = try await gateway.connect()
                let reply = try await client.post("/v1/chat/completions", Self.chat("chat"))
                let cost = try #require(reply.headers["x-needletail-cost-usd"].flatMap { Money($0) })
                let bounds = ["least_usd", "most_usd"].map { name in
                    candidates[0].members.first { $0.key == name }?.value.string.flatMap { Money($0) }
                }
                #expect(try #require(bounds[0]) <= cost && cost <= (try #require(bounds[1])))
                #expect(engine.statistics.total.requests == 1)
                let messages = try await admin.post("/admin/v1/quote?surface=/v1/messages", Self.chat("main/gpt-4o"))
                #expect(messages.status == 200 && messages.body.contains("\"candidates\":[{"), "\(messages.body)")
                for (path, body, status) in [
                    ("/admin/v1/quote", Self.chat("nobody/x"), 404), ("/admin/v1/quote", "{}", 400),
                    ("/admin/v1/quote?surface=/v1/files", Self.chat("chat"), 404),
                    ("/admin/v1/quote?client_key=no", Self.chat("chat"), 404),
                ] {
                    let refused = try await admin.post(path, body)
                    #expect(refused.status == status, "\(path): \(refused.body)")
                }
            }
        }
    }

    @Test("A call whose client leaves is read to its end where the operator says so", arguments: [true, false])
    func drain(isStreaming: Bool) async throws {
        var rule = MockRule()
        rule.reply.text = "one two"
        if isStreaming {
            rule.fault = MockFault(at: .chunk(2), kind: .slow, for: .seconds(3_600))
        } else {
            rule.reply.delay = .seconds(3_600)
        }
        // The upstream goes on when the gateway has seen the client leave, and not before.
        let (left, gate) = AsyncStream.makeStream(of: Void.self)
        let time = TimeSource(
            now: TimeSource.live.now, wallSeconds: TimeSource.live.wallSeconds,
            sleep: { until throws(CancellationError) in
                guard until > TimeSource.live.now() else { return }
                var ends = left.makeAsyncIterator()
                _ = await ends.next()
                if Task.isCancelled { throw CancellationError() }
            })
        let script = MockScript(usage: MockUsage(input: 12, output: 34), delay: .zero, rules: [rule])
        try await withMock(script, time: time) { engine, port in
            let yaml = "providers:\n" + Self.provider("main", port, ", on_disconnect: drain")
            try await withGateway(yaml) { gateway in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await gateway.process.jobs.run() }
                    defer { group.cancelAll() }
                    await eventually { gateway.process.jobs.isRunning }
                    let client = try await gateway.connect()
                    let body = Self.chat("main/gpt-4o-mini", isStreaming ? #","stream":true"# : "")
                    try await client.send(
                        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
                    )
                    if isStreaming { _ = await client.wait(for: "one") }
                    await eventually { engine.statistics.total.requests == 1 }
                    client.close()
                    await eventually { gateway.counts.requests + gateway.counts.unanswered == 1 }
                    gate.finish()
                    await eventually { engine.statistics.total.completed == 1 }
                    #expect(engine.statistics.total.aborted == 0)
                }
            }
        }
    }

    @Test("The cache is looked at and emptied over the admin API")
    func cache() async throws {
        try await withMock(Self.script) { engine, port in
            try await withGateway("providers:\n" + Self.provider("main", port) + "cache: true\n") { gateway in
                let (client, admin) = (try await gateway.connect(), try await TestClient.connect(gateway.adminPort))
                for expected in ["miss", "hit"] {
                    let reply = try await client.post("/v1/chat/completions", Self.chat("main/gpt-4o-mini"))
                    #expect(reply.headers["x-needletail-cache"] == expected)
                }
                let shown = try await admin.ask("GET", "/admin/v1/cache")
                #expect(shown.body.contains(#""enabled":true,"hits":1,"semantic_hits":0,"misses":1"#), "\(shown.body)")
                for (body, count) in [(#"{"model":"other"}"#, 0), (#"{"model":"main/gpt-4o-mini"}"#, 1), ("{}", 0)] {
                    let purged = try await admin.post("/admin/v1/cache/purge", body)
                    #expect(purged.body == #"{"purged":\#(count)}"#, "\(purged.body)")
                }
                let again = try await client.post("/v1/chat/completions", Self.chat("main/gpt-4o-mini"))
                #expect(again.headers["x-needletail-cache"] == "miss")
                #expect(engine.statistics.total.requests == 2)
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
