import NeedletailControl
import NeedletailCore
import Testing

@Suite("Environment")
struct EnvironmentDefaultsTests {
    @Test("With nothing set the mock alone is there")
    func nothing() throws {
        let configuration = try Fixture.loader([:]).load()
        #expect(configuration.providers.map(\.name) == ["mock"])
        #expect(configuration.origin == .environment)
        #expect(configuration.keys == nil)
        #expect(configuration.warnings.isEmpty)
    }

    @Test(
        "Each key that is set gives a provider, and the mock stays last",
        arguments: [
            (["OPENAI_API_KEY": "k"], ["openai", "mock"]),
            (["ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k"], ["openai", "anthropic", "mock"]),
            (["TOGETHER_API_KEY": "k"], ["together", "mock"]),
            (["AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "eu-west-1"], ["bedrock", "mock"]),
            (["VLLM_BASE_URL": "http://127.0.0.1:8000"], ["vllm", "mock"]),
            (["VLLM_API_KEY": "k", "OPENAI_API_KEY": ""], ["mock"]),
        ])
    func keys(environment: [String: String], names: [String]) throws {
        #expect(try Fixture.loader(environment).load().providers.map(\.name) == names)
    }

    @Test(
        "Keys that do not suffice are named where nothing but the mock would answer",
        arguments: [
            (["AWS_SECRET_ACCESS_KEY": "k"], ["AWS_SECRET_ACCESS_KEY"]),
            (["AWS_BEARER_TOKEN_BEDROCK": "k"], ["AWS_BEARER_TOKEN_BEDROCK"]),
            (["AWS_BEARER_TOKEN_BEDROCK": "k", "AWS_REGION": "eu-west-1"], []),
            (["AWS_BEARER_TOKEN_BEDROCK": ""], []), (["AWS_BEARER_TOKEN_BEDROCK": "k", "OPENAI_API_KEY": "k"], []),
        ] as [([String: String], [String])])
    func absent(environment: [String: String], names: [String]) throws {
        let warnings = try Fixture.loader(environment).load().warnings
        #expect(warnings.map(\.place.description).sorted() == names.map { "environment variable \($0)" })
        #expect(warnings.allSatisfy { $0.description.contains("the mock answers") })
        #expect(try Fixture.load("providers: { m: { type: mock } }", environment: environment).warnings.isEmpty)
    }

    @Test("The variables of the seeds set what a file leaves out, in milliseconds")
    func defaults() throws {
        let environment = [
            "OPENAI_API_KEY": "sk-o", "OPENAI_BASE_URL": "http://h/v1", "OPENAI_TIMEOUT": "120000",
            "OPENAI_RETRY_ATTEMPTS": "5", "OPENAI_CIRCUIT_BREAKER": "false", "RETRY_MAX_ATTEMPTS": "2",
            "RETRY_BASE_DELAY_MS": "500", "RETRY_BACKOFF_FACTOR": "1.5", "RETRY_JITTER": "false",
            "CIRCUIT_BREAKER_FAILURE_THRESHOLD": "7", "CIRCUIT_BREAKER_RECOVERY_TIMEOUT": "30000",
            "FAILOVER_STRATEGY": "round_robin", "FAILOVER_MAX_ATTEMPTS": "9", "FAILOVER_HEALTH_THRESHOLD": "0.5",
        ]
        let configuration = try Fixture.load(
            """
            providers:
              a: { type: openai }
              b: { type: openai, api_key: own, base_url: https://own, timeouts: { total: 1s }, retry: { max_attempts: 8 } }
              c: { type: mock }
            models: { g: { targets: [a] }, h: { targets: [a], strategy: priority, max_attempts: 1 } }
            """, environment: environment)
        let a = try #require(configuration.provider("a"))
        #expect(a.apiKeys.map(\.secret.exposed) == ["sk-o"])
        #expect(a.baseURL?.description == "http://h/v1")
        #expect(a.timeouts.total == .seconds(120))
        #expect(a.retry.maxAttempts == 5)
        #expect(a.retry.baseDelay == .milliseconds(500))
        #expect(a.retry.backoffFactor == 1.5)
        #expect(!a.retry.jitter)
        #expect(a.circuitBreaker == nil)
        let b = try #require(configuration.provider("b"))
        #expect(b.apiKeys.map(\.secret.exposed) == ["own"])
        #expect(b.baseURL?.description == "https://own")
        #expect(b.timeouts.total == .seconds(1))
        #expect(b.retry.maxAttempts == 8)
        let c = try #require(configuration.provider("c"))
        #expect(c.apiKeys.isEmpty)
        #expect(c.retry.maxAttempts == 2)
        #expect(c.circuitBreaker?.failureThreshold == 7)
        #expect(c.circuitBreaker?.recoveryTimeout == .seconds(30))
        #expect(configuration.group("g")?.strategy == .roundRobin)
        #expect(configuration.group("g")?.maxAttempts == 9)
        #expect(configuration.group("g")?.healthThreshold == 0.5)
        #expect(configuration.group("h")?.strategy == .priority)
        #expect(configuration.group("h")?.maxAttempts == 1)
        let idle = configuration.warnings.map(\.place.description).filter { $0.hasPrefix("environment") }
        #expect(idle == [])
    }

    @Test(
        "A bad value is a fault that names the variable and not its value",
        arguments: [
            ("OPENAI_TIMEOUT", "30s"), ("OPENAI_TIMEOUT", "0"), ("OPENAI_TIMEOUT", "99999999999999999999"),
            ("OPENAI_BASE_URL", "api.openai.com"), ("OPENAI_RETRY_ATTEMPTS", "-1"), ("OPENAI_CIRCUIT_BREAKER", "maybe"),
            ("RETRY_MAX_ATTEMPTS", "0"), ("RETRY_BASE_DELAY_MS", "1.5"), ("RETRY_BACKOFF_FACTOR", "fast"),
            ("RETRY_JITTER", "perhaps"), ("CIRCUIT_BREAKER_RECOVERY_TIMEOUT", "1m"),
            ("CIRCUIT_BREAKER_FAILURE_THRESHOLD", "0"), ("FAILOVER_STRATEGY", "roundrobin"),
            ("FAILOVER_MAX_ATTEMPTS", "x"), ("FAILOVER_HEALTH_THRESHOLD", "1.5"),
        ])
    func bad(name: String, value: String) {
        do {
            _ = try Fixture.loader(["OPENAI_API_KEY": "k", name: value]).load()
            Issue.record("\(name)=\(value) was accepted.")
        } catch {
            #expect(error.faults.count == 1)
            #expect(error.faults.first?.place == .environment(name))
            #expect(error.description.hasPrefix("environment variable \(name): "))
        }
    }

    @Test("A command line's options come last and are checked")
    func overrides() throws {
        let loader = Fixture.loader([:])
        let good = try loader.load(overrides: .init(api: "127.0.0.1:0", logLevel: "debug"))
        #expect(good.listen.api.port == 0)
        #expect(good.telemetry.logLevel == "debug")
        for bad in [
            ConfigurationLoader.Overrides(api: "x"), .init(api: "0.0.0.0:1"), .init(admin: "0.0.0.0:1"),
            .init(logLevel: "debgu"),
        ] {
            #expect(throws: ConfigurationError.self) { try loader.load(overrides: bad) }
        }
    }
}
