import Foundation
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Testing

@testable import NeedletailControl

@Suite("Scenarios")
struct ScenarioTests {
    static let configuration = """
        providers:
          alpha: { type: openai, base_url: "http://127.0.0.1:1/v1", api_key: k, models: [small], timeouts: { first_token: 7s } }
          beta: { type: anthropic, base_url: "http://127.0.0.1:2", api_key: k }
          gamma: { type: openai, base_url: "http://127.0.0.1:3/v1", api_key: k, enabled: false }
        models:
          chat: { targets: [alpha/a, beta/b] }
        keys:
          - { name: dev, key: secret }
        """

    static func read(_ yaml: String) throws -> Scenario {
        try Scenario(
            yaml: yaml, file: "s.yaml", for: try Fixture.load(Self.configuration), environment: ["RATE": "4"])
    }

    @Test("everything that a scenario may say is read")
    func whole() throws {
        let scenario = try Self.read(
            """
            duration: 2h
            traffic:
              - { model: chat, rate: "${RATE}", arrivals: regular, wave: { period: 24h, depth: 0.4 }, from: 1m,
                  until: 1h, streamed: 0.25, input_tokens: 500, output_tokens: { min: 5, max: 9 }, leaving: 0.1,
                  timeout: 30s, key: dev }
              - { model: alpha/x, rate: 0.5, bursts: { every: 10m, for: 30s, times: 5 } }
            providers:
              alpha:
                latency: { median: 600ms, p99: 3s }
                tokens_per_second: 40
                failure_latency: { min: 10ms, max: 20ms }
                faults: { server_error: 0.01, hang: 0.02, break: 0.03 }
                rate_limit: { rpm: 60, burst: 5, retry_after: false }
                concurrency: 10
                price: { input: 2.50, output: 10.00 }
                timeline:
                  - { from: 10m, until: 20m, outage: unreachable }
                  - { from: 30m, until: 40m, latency: { min: 300ms, alpha: 1.2, max: 60s }, rate_limit: false }
            """)
        #expect(scenario.duration == .seconds(7_200))
        let traffic = try #require(scenario.traffic.first)
        #expect(traffic.model == "chat" && traffic.rate == 4 && traffic.isRegular && traffic.key == "dev")
        #expect(traffic.shape == .wave(period: .seconds(86_400), depth: 0.4))
        #expect(traffic.from == .seconds(60) && traffic.until == .seconds(3_600) && traffic.timeout == .seconds(30))
        #expect(traffic.inputTokens == 500...500 && traffic.outputTokens == 5...9)
        #expect(traffic.streamed == 0.25 && traffic.leaving == 0.1)
        #expect(scenario.traffic[1].shape == .bursts(every: .seconds(600), length: .seconds(30), times: 5))
        #expect(scenario.providers.keys.sorted() == ["alpha", "beta"])
        let alpha = try #require(scenario.providers["alpha"])
        #expect(alpha.base.latency == .lognormal(median: .milliseconds(600), p99: .seconds(3)))
        #expect(alpha.base.failureLatency == .uniform(.milliseconds(10), .milliseconds(20)))
        #expect(alpha.base.tokensPerSecond == 40 && alpha.base.concurrency == 10)
        #expect(
            alpha.base.faults == [
                .init(.failure(.upstreamFailed), rate: 0.01), .init(.hang, rate: 0.02), .init(.breaks, rate: 0.03),
            ])
        #expect(alpha.base.rateLimit == .init(requestsPerMinute: 60, burst: 5, tellsWhen: false))
        // $2.50 for a million tokens are 2,500,000 pico-dollars for one.
        #expect(alpha.inputPrice == 2_500_000 && alpha.outputPrice == 10_000_000)
        #expect(alpha.firstTokenTimeout == .seconds(7))
        #expect(alpha.behaviour(at: .seconds(900)).faults == [.init(.failure(.unreachable), rate: 1)])
        #expect(alpha.behaviour(at: .seconds(1_200)) == alpha.base)
        let slow = alpha.behaviour(at: .seconds(2_000))
        #expect(slow.latency == .heavyTail(minimum: .milliseconds(300), alpha: 1.2, maximum: .seconds(60)))
        #expect(slow.rateLimit == nil && slow.faults == alpha.base.faults)
    }

    @Test(
        "what is wrong is told with its place and a cure",
        arguments: [
            ("traffik: []", "s.yaml:1:1: the configuration has no key 'traffik'; did you mean 'traffic'?"),
            ("duration: 1h", "s.yaml:1:1: the scenario has no traffic; write for example traffic"),
            ("traffic: [ { model: chat } ]", "s.yaml:1:12: the traffic has no 'rate'; write"),
            ("traffic: [ { model: chatt, rate: 1 } ]", "s.yaml:1:21: the configuration has no model 'chatt'; did you"),
            (
                "traffic: [ { model: chat, rate: 1, key: deb } ]",
                "the configuration has no client key 'deb'; did you mean 'dev'?"
            ),
            ("traffic: [ { model: chat, rate: 1, streamed: 2 } ]", "s.yaml:1:46: 'traffic[0].streamed'"),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { alfa: {} }",
                "s.yaml:2:14: the configuration has no provider 'alfa'; write one of: alpha, beta"
            ),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { gamma: {} }",
                "the configuration has no provider 'gamma'; write one of: alpha, beta"
            ),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { alpha: { faults: { hang: 0.6, break: 0.5 } } }",
                "s.yaml:2:31: the rates of the faults add up to more than 1"
            ),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { alpha: { latency: { median: 3s, p99: 1s } } }",
                "'latency' describes no times; write 800ms"
            ),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { alpha: { timeline: [ { from: 3m, until: 1m } ] } }",
                "s.yaml:2:35: this part of the timeline ends before it begins"
            ),
            (
                "traffic: [ { model: chat, rate: 1, wave: { depth: 1 }, bursts: { times: 2 } } ]",
                "'wave' and 'bursts' are both given"
            ),
            (
                "traffic: [ { model: chat, rate: 1, output_tokens: { min: 9, max: 5 } } ]",
                "'output_tokens' ends before it begins"
            ),
            (
                "traffic: [ { model: chat, rate: 1 } ]\nproviders: { alpha: { faults: { servererror: 1 } } }",
                "did you mean 'server_error'?"
            ),
        ])
    func faults(yaml: String, expected: String) {
        let error = #expect(throws: ConfigurationError.self) { try Self.read(yaml) }
        #expect(error?.faults.contains { $0.description.contains(expected) } == true, "\(String(describing: error))")
    }

    @Test("docs/simulation.md's examples can be used")
    func documented() throws {
        let url = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/simulation.md")
        let text = try String(contentsOf: url, encoding: .utf8)
        let blocks = text.components(separatedBy: "```yaml\n").dropFirst().map { $0.components(separatedBy: "```")[0] }
        let configuration = try Fixture.load(
            """
            providers:
              openai-main: { type: openai, base_url: "http://127.0.0.1:1/v1", api_key: k }
            models:
              chat-service: { targets: [openai-main] }
            keys:
              - { name: dev, key: secret }
            """)
        let scenario = try Scenario(
            yaml: try #require(blocks.first), file: "s.yaml", for: configuration, environment: [:])
        #expect(scenario.providers["openai-main"]?.phases.count == 2)
        let script = try MockScript(
            yaml: try #require(blocks.last), file: "f.yaml", environment: [:], files: .live)
        #expect(script.rules.count == 2)
    }
}
