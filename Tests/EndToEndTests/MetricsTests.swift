import Foundation
import NIOCore
import NeedletailGateway
import Testing

@Suite("Metrics end to end", .timeLimit(.minutes(15)))
struct MetricsTests {
    /// The value of every series of a name whose labels contain all of `labels`, added up.
    static func sum(_ text: String, _ name: String, _ labels: [String] = []) -> Double {
        var sum = 0.0
        for line in text.split(separator: "\n") where line.hasPrefix(name + "{") || line.hasPrefix(name + " ") {
            guard labels.allSatisfy({ line.contains($0) }) else { continue }
            sum += line.split(separator: " ").last.flatMap { Double($0) } ?? .nan
        }
        return sum
    }

    private static func scrape(_ gateway: TestGateway) async throws -> String {
        let reply = try await TestClient.connect(gateway.adminPort).ask("GET", "/metrics")
        #expect(reply.status == 200 && reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        return reply.body
    }

    /// The first upstream fails every third call in one way or another and breaks every seventh stream off.
    private static func flaky() -> MockScript {
        var rules: [MockRule] = []
        for number in stride(from: 3, through: 400, by: 3) {
            var rule = MockRule()
            rule.match.model = "flaky"
            rule.match.nth = number
            rule.reply.status = [500, 429, 503, 404][number / 3 % 4]
            rules.append(rule)
        }
        for number in stride(from: 7, through: 400, by: 21) {
            var rule = MockRule()
            rule.match.model = "flaky"
            rule.match.nth = number
            rule.fault = MockFault(at: .chunk(2), kind: .reset)
            rules.append(rule)
        }
        return MockScript(delay: .zero, rules: rules)
    }

    @Test("after a mixed run every counter agrees with what the upstreams served", arguments: Surface.allCases)
    func groundTruth(client: Surface) async throws {
        try await withMock(Self.flaky()) { first, firstPort in
            try await withMock(MockScript(delay: .zero)) { second, secondPort in
                let yaml = """
                    providers:
                      one: { type: openai-compatible, base_url: "http://127.0.0.1:\(firstPort)", api_key: k,
                             retry: { max_attempts: 1 }, circuit_breaker: false, health_check: false }
                      two: { type: anthropic-compatible, base_url: "http://127.0.0.1:\(secondPort)", api_key: k,
                             retry: { max_attempts: 1 }, circuit_breaker: false, health_check: false }
                    models:
                      chat: { targets: [one/flaky, two/steady], retry_budget: false }
                    """
                try await withGateway(yaml) { gateway in
                    let count = 160
                    let ends = try await Self.run(count, client, gateway)
                    await eventually { second.statistics.total.completed == second.statistics.total.requests }
                    let text = try await Self.scrape(gateway)
                    try Self.compareWithDocument(text)
                    let sent = Self.sum(text, "provider_request_total")
                    #expect(Int(sent) == first.statistics.total.requests + second.statistics.total.requests)
                    #expect(
                        Int(Self.sum(text, "provider_request_total", [#"provider="two""#]))
                            == second.statistics.total.requests)
                    #expect(Self.sum(text, "provider_request_duration_seconds_count") == sent)
                    #expect(Self.sum(text, "gen_ai_client_operation_duration_seconds_count") == sent)
                    #expect(Self.sum(text, "needletail_attempts_total") == sent)
                    // Every call to the steady one ended properly, so all of its tokens are known.
                    for (type, truth) in [
                        ("input", second.statistics.total.inputTokens),
                        ("output", second.statistics.total.outputTokens),
                    ] {
                        let tokens = Self.sum(
                            text, "gen_ai_client_token_usage_sum",
                            [#"gen_ai_provider_name="two""#, #"gen_ai_token_type="\#(type)""#])
                        #expect(Int(tokens) == truth && truth > 0)
                    }
                    // What failed before the commit went to the second, what broke later is an error at both ends.
                    let failed = Self.sum(text, "provider_error_total")
                    #expect(Int(failed) == second.statistics.total.requests + ends.broken)
                    #expect(
                        Int(Self.sum(text, "needletail_requests_total", [#"outcome="success""#])) == ends.whole)
                    #expect(Int(Self.sum(text, "needletail_requests_total", [#"outcome="error""#])) == ends.broken)
                    #expect(Int(Self.sum(text, "needletail_requests_total")) == count)
                    #expect(Int(Self.sum(text, "needletail_overhead_seconds_count")) == count)
                    #expect(Self.sum(text, "needletail_requests_in_flight") == 0)
                    #expect(Self.sum(text, "needletail_refusals_total", [#"status="404""#]) == 1)
                }
            }
        }
    }

    /// Every family that is shown stands in the document's table, under its kind.
    private static func compareWithDocument(_ text: String) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/metrics.md")
        let rows = try String(contentsOf: path, encoding: .utf8).split(separator: "\n").filter { $0.hasPrefix("| `") }
        let documented = Set(rows.map { $0.split(separator: "|").prefix(2).joined(separator: " ") })
        var shown = 0
        for line in text.split(separator: "\n") where line.hasPrefix("# TYPE ") {
            let parts = line.split(separator: " ")
            let entry = "`\(parts[2])` \(parts[3])".split(separator: " ").joined(separator: " ")
            #expect(documented.contains { $0.split(separator: " ").joined(separator: " ") == entry }, "\(entry)")
            shown += 1
        }
        #expect(shown > 20)
    }

    private struct Ends {
        var whole = 0
        var broken = 0
    }

    /// Asks whole and streamed replies in turn on several connections, and once for a path that is not there.
    private static func run(_ count: Int, _ client: Surface, _ gateway: TestGateway) async throws -> Ends {
        let all = try await withThrowingTaskGroup(of: Ends.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    var ends = Ends()
                    let connection = try await gateway.connect()
                    for index in 0..<(count / 8) {
                        let isStreaming = (index + worker) % 2 == 0
                        let reply = try await connection.post(
                            client.path, client.request("chat", stream: isStreaming))
                        #expect(reply.status == 200, "\(reply)")
                        if !isStreaming || reply.body.contains(client.endMarker) {
                            ends.whole += 1
                        } else {
                            ends.broken += 1
                        }
                    }
                    return ends
                }
            }
            return try await group.reduce(into: Ends()) { sum, part in
                sum.whole += part.whole
                sum.broken += part.broken
            }
        }
        #expect(try await gateway.connect().ask("GET", "/v1/nothing").status == 404)
        return all
    }

    @Test("OpenMetrics for those who ask for it, and readiness apart from liveness")
    func formats() async throws {
        try await withGateway("providers:\n  mock: { type: mock, delay: 0s }\n") { gateway in
            let admin = try await TestClient.connect(gateway.adminPort)
            let reply = try await admin.ask("GET", "/metrics", ["accept: application/openmetrics-text; version=1.0.0"])
            #expect(reply.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
            #expect(reply.body.hasSuffix("# EOF\n"))
            for path in ["/health", "/health/ready", "/health/live"] {
                #expect(try await gateway.connect().ask("GET", path).status == 200, "\(path)")
                #expect(try await admin.ask("GET", path).status == 200, "\(path)")
            }
            _ = try await gateway.connect().post(Surface.openAI.path, Surface.openAI.request("mock/m"))
            let detailed = try await admin.ask("GET", "/health/detailed")
            #expect(detailed.body.hasPrefix(#"{"status":"healthy","providers":{"mock":{"status":"healthy","#))
            #expect(detailed.body.contains(#""metrics":{"total_requests":1,"success_rate":1,"avg_response_time":"#))
        }
    }
}
