import NeedletailCore
import Testing

@testable import NeedletailControl

@Suite("Alerts: configuration")
struct AlertConfigurationTests {
    private static let start = """
        providers: { main: { type: mock } }
        models: { chat: { targets: [main/a] } }

        """

    @Test("the built-in rules hold without a word, and can be left out, replaced or switched off")
    func defaults() throws {
        let builtIn = try Fixture.load(Self.start).alerts
        #expect(builtIn.rules == AlertRule.builtIn && builtIn.webhooks.isEmpty)
        #expect(try Fixture.load(Self.start + "alerts: { defaults: false }").alerts.rules.isEmpty)
        #expect(try Fixture.load(Self.start + "alerts: false").alerts.rules.isEmpty)
        let text = "alerts: { rules: [{ name: breaker_open, metric: breaker_open, provider: main, for: 1m }] }"
        let replaced = try Fixture.load(Self.start + text).alerts.rules
        #expect(replaced.count == AlertRule.builtIn.count)
        #expect(replaced.last?.scope == AlertScope(.provider, "main") && replaced.last?.holds == .seconds(60))
    }

    @Test("everything that can be written is read")
    func everything() throws {
        let alerts = try Fixture.load(
            Self.start + """
                alerts:
                  interval: 1s
                  webhooks:
                    - { name: ops, url: "https://hooks.example.com/a/b?token=c", format: slack, secret: { env: DEV_KEY }, severity: info, timeout: 2s }
                  rules:
                    - { name: slow, metric: latency_p95, group: chat, threshold: 10s, clear: 8s, for: 2m, window: 10m, minimum_requests: 5, severity: critical, notify: ops }
                objectives:
                  - { name: chat, group: chat, availability: 99.9, ttft_p95: 2s, window: 7d }
                """
        ).alerts
        var rule = AlertRule(
            name: "slow", metric: .latencyP95, scope: AlertScope(.group, "chat"), threshold: 10, clear: 8)
        rule.holds = .seconds(120)
        rule.window = .seconds(600)
        rule.minimumRequests = 5
        rule.severity = .critical
        rule.notify = ["ops"]
        #expect(alerts.rules.last == rule && alerts.interval == .seconds(1))
        let webhook = try #require(alerts.webhooks.first)
        #expect(webhook.format == .slack && webhook.severity == .info && webhook.secret == Secret("nt-dev"))
        #expect(WebhookURL(webhook.url.exposed)?.path == "/a/b?token=c")
        let objective = try #require(alerts.objectives.first)
        #expect(objective.availability == 0.999 && objective.firstToken == .seconds(2))
        #expect(objective.window == .seconds(7 * 86_400) && objective.scope == AlertScope(.group, "chat"))
    }

    @Test(
        "what is wrong is told with its place and with what to write",
        arguments: [
            ("alerts: { rules: [{ metric: error_rate, threshold: 0.1 }] }", "this rule has no 'name'"),
            ("alerts: { rules: [{ name: r, threshold: 0.1 }] }", "this rule has no 'metric'"),
            ("alerts: { rules: [{ name: r, metric: eror_rate, threshold: 0.1 }] }", "did you mean 'error_rate'?"),
            ("alerts: { rules: [{ name: r, metric: error_rate }] }", "this rule has no 'threshold'"),
            ("alerts: { rules: [{ name: r, metric: error_rate, threshold: 10s }] }", "a share above 0 and up to 1"),
            ("alerts: { rules: [{ name: r, metric: latency_p95, threshold: 10 }] }", "a number with a unit"),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1, clear: 0.2 }] }",
                "write a clear at or below the threshold"
            ),
            (
                "alerts: { rules: [{ name: r, metric: health, threshold: 0.5, clear: 0.2 }] }",
                "write a clear at or above the threshold"
            ),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1, provider: mian }] }",
                "'mian' is no provider of this configuration; did you mean 'main'?"
            ),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1, group: chta }] }",
                "did you mean 'chat'?"
            ),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1, provider: main, group: chat }] }",
                "one kind of thing"
            ),
            (
                "alerts: { rules: [{ name: r, metric: key_age, threshold: 90d, provider: main }] }",
                "there is no key_age of a provider; write key"
            ),
            (
                "alerts: { rules: [{ name: r, metric: breaker_open, threshold: 1 }] }", "'threshold' means nothing"
            ),
            (
                "alerts: { rules: [{ name: r, metric: health, threshold: 0.5, window: 5m }] }",
                "'window' means nothing for health"
            ),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1, notify: [ops] }] }",
                "'ops' is no webhook"
            ),
            (
                "alerts: { rules: [{ name: r, metric: error_rate, threshold: 0.1 }, { name: r, metric: error_rate, threshold: 0.2 }] }",
                "two rules named 'r'"
            ),
            ("alerts: { webhooks: [{ name: ops }] }", "this webhook has no 'url'"),
            ("alerts: { webhooks: [{ name: ops, url: ftp://x }] }", "the URL of the webhook 'ops' is none"),
            ("alerts: { rule: [] }", "rules"),
            ("objectives: [{ name: o, group: chat }]", "promises nothing"),
            ("objectives: [{ name: o, group: nobody, availability: 99 }]", "'nobody' is no group"),
            ("objectives: [{ name: o, availability: 0.999 }]", "out of range"),
            ("objectives: [{ name: o, availability: 99.9, window: 1h }]", "write from 1d to 90d"),
        ])
    func faults(text: String, says: String) {
        let faults = Fixture.faults(Self.start + text)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.first?.hasPrefix("f.yaml:3:") == true)
        #expect(faults.first?.contains(says) == true, "\(faults)")
    }
}
