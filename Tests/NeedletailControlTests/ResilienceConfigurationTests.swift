import NeedletailCore
import NeedletailRouting
import Testing

@testable import NeedletailControl

@Suite("Configuration of resilience and limits")
struct ResilienceConfigurationTests {
    private static func group(_ settings: String) throws -> GroupConfiguration {
        let text = """
            providers: { m: { type: mock }, n: { type: mock } }
            models: { g: { targets: [m, n], \(settings) }, h: { targets: [n] } }
            """
        return try #require(try Fixture.load(text).group("g"))
    }

    @Test("a circuit breaker has all its keys")
    func breaker() throws {
        let text = """
            providers:
              m: { type: mock, circuit_breaker: { error_rate: 0, window: 5s, minimum_requests: 7, half_open_limit: 1 } }
              n: { type: mock, circuit_breaker: false }
            """
        let configuration = try Fixture.load(text)
        let policy = try #require(configuration.provider("m")?.circuitBreaker.map { CircuitBreakerPolicy($0) })
        #expect(
            policy
                == CircuitBreakerPolicy(halfOpenLimit: 1, errorRate: nil, window: .seconds(5), minimumRequests: 7))
        #expect(configuration.provider("n")?.circuitBreaker == nil)
    }

    @Test("fallbacks are a list, or lists by reason")
    func fallbacks() throws {
        #expect(
            try Self.group("fallbacks: [h, m/x]").fallbacks.map(\.destination) == [
                .group("h"), .provider("m", model: "x"),
            ])
        let group = try Self.group("fallbacks: { any: [n], context_window: h, content_filter: m/y }")
        #expect(group.fallbacks.map(\.destination) == [.provider("n", model: nil)])
        #expect(group.contextWindowFallback?.destination == .group("h"))
        #expect(group.contentFilterFallback?.destination == .provider("m", model: "y"))
    }

    @Test(
        "hedging waits for a percentile or a time",
        arguments: [
            ("hedge: true", HedgePolicy()),
            ("hedge: { after: p99, budget: 0.2 }", HedgePolicy(after: .percentile(0.99), budget: 0.2)),
            ("hedge: { after: 300ms }", HedgePolicy(after: .fixed(.milliseconds(300)))), ("hedge: false", nil),
            ("hedge: { enabled: false, after: p90 }", nil),
        ])
    func hedge(setting: String, policy: HedgePolicy?) throws {
        #expect(try Self.group(setting).hedge == policy)
    }

    @Test(
        "queue and retry budget",
        arguments: [
            ("max_attempts: 3", QueuePolicy(), RetryBudgetPolicy()),
            (
                "queue: { size: 5, timeout: 2s }", QueuePolicy(size: 5, timeout: .seconds(2), waitsForRates: true),
                RetryBudgetPolicy()
            ),
            ("queue: false, retry_budget: false", QueuePolicy(size: 0, waitsForRates: true), nil),
            ("retry_budget: { ratio: 0.5, per_second: 0 }", QueuePolicy(), RetryBudgetPolicy(ratio: 0.5, perSecond: 0)),
        ])
    func policies(setting: String, queue: QueuePolicy, budget: RetryBudgetPolicy?) throws {
        let group = try Self.group(setting)
        #expect(group.queue == queue)
        #expect(group.retryBudget == budget)
    }

    @Test(
        "a type's own limits hold for its own service only, and where none are written",
        arguments: [
            ("", 500), ("base_url: http://127.0.0.1:1/v1", nil), ("limits: off", nil), ("limits: { rpm: 7 }", 7),
            ("limits: { tpm: 7 }", nil),
        ])
    func defaults(setting: String, rpm: Int?) throws {
        let extra = setting.isEmpty ? "" : ", " + setting
        let text = "providers: { o: { type: openai, api_key: { env: OPENAI_API_KEY }\(extra) } }"
        #expect(try Fixture.load(text).provider("o")?.limits.rpm == rpm)
    }

    @Test("keys, tenants, models and the whole have limits")
    func scopes() throws {
        let text = """
            providers: { m: { type: mock, model_limits: { x: { rpm: 3 } } } }
            keys: [ { name: a, key: { env: DEV_KEY }, tenant: t, limits: { rpm: 1, burst: 1 }, priority: high } ]
            tenants: { t: { limits: { tpm: 9 } } }
            overload: { max_in_flight: 4 }
            """
        let configuration = try Fixture.load(text)
        #expect(configuration.warnings.isEmpty)
        #expect(configuration.provider("m")?.modelLimits["x"]?.rpm == 3)
        #expect(configuration.keys?.first?.limits.burst == 1)
        #expect(configuration.keys?.first?.priority == .high)
        #expect(configuration.tenants["t"]?.tpm == 9)
        #expect(configuration.maximumInFlight == 4)
    }

    @Test(
        "what means nothing is a fault or a warning with its place",
        arguments: [
            "models: { g: { targets: [m], limits: { burst: 3 } } }",
            "models: { g: { targets: [m], hedge: { after: p20 } } }",
            "models: { g: { targets: [m], fallbacks: { any: [m], else: [m] } } }",
            "models: { g: { targets: [m], fallbacks: { context_window: nobody } } }",
            "models: { g: { targets: [m], fallbacks: [{ to: m, weight: 2 }] } }",
            "models: { g: { targets: [m], queue: { size: 0 } } }",
            "models: { g: { targets: [m], retry_budget: { ratio: -1 } } }",
            "overload: { max_in_flight: 0 }", "models: { g: { targets: [m], fallbacks: [g] } }",
            "models: { g: { targets: [m], limits: { adaptive: true } } }",
        ])
    func faults(text: String) {
        let faults = Fixture.faults("providers: { m: { type: mock } }\n" + text)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.allSatisfy { $0.hasPrefix("f.yaml:2:") })
    }

    @Test("limits of a tenant that no key belongs to are warned about")
    func unknownTenant() throws {
        let text = "providers: { m: { type: mock } }\ntenants: { t: { limits: { rpm: 1 } } }"
        #expect(try Fixture.load(text).warnings.count == 1)
    }
}
