import NeedletailControl
import NeedletailCore
import NeedletailRouting
import Testing

@Suite("Configuration")
struct ConfigurationTests {
    @Test("The contract's example reads as it is meant")
    func sample() throws {
        let configuration = try Fixture.load(Fixture.sample)
        #expect(configuration.listen.api == ListenAddress(host: "127.0.0.1", port: 4003))
        #expect(configuration.providers.map(\.name) == ["first", "second"])
        let first = try #require(configuration.provider("first"))
        #expect(first.baseURL?.description == "https://api.example.com/v1")
        #expect(first.apiKeys.map(\.secret.exposed) == ["sk-environment"])
        #expect(
            first.timeouts
                == Timeouts(connect: .seconds(5), firstToken: .seconds(50), idle: .seconds(40), total: .seconds(300)))
        #expect(first.retry.maxAttempts == 4)
        #expect(first.retry.baseDelay == .milliseconds(250))
        #expect(first.retry.backoffFactor == 1.5)
        #expect(first.retry.jitter == false)
        #expect(first.circuitBreaker?.failureThreshold == 6)
        #expect(first.circuitBreaker?.recoveryTimeout == .seconds(90))
        #expect(first.limits.concurrency == 100)
        #expect(first.limits.dailyBudget?.description == "10.00")
        #expect(first.healthCheck?.interval == .seconds(15))
        #expect(first.priority == 2)
        #expect(first.weight == 0.7)
        #expect(first.headers.map { "\($0.name)=\($0.value.exposed)" } == ["X-Extra=value"])
        let second = try #require(configuration.provider("second"))
        #expect(second.apiKeys.map(\.secret.exposed) == ["sk-file", "nt-dev"])
        #expect(second.apiKeys.map(\.weight) == [3, 1])
        let group = try #require(configuration.group("chat-service"))
        #expect(
            group.targets.map(\.destination) == [
                .provider("first", model: "gpt-4o-mini"), .provider("second", model: "claude/with/slashes"),
            ])
        #expect(group.targets.map(\.priority) == [nil, 2])
        #expect(configuration.group("vision")?.targets.map(\.destination) == [.group("chat-service")])
        #expect(configuration.defaultGroup?.strategy == .roundRobin)
        #expect(configuration.defaultGroup?.targets.first?.destination == .provider("first", model: nil))
        let route = try #require(configuration.routes.first)
        #expect(route.condition.required == .images && route.condition.models == [ModelGlob("auto")])
        #expect(route.destination == .group("vision"))
        let key = try #require(configuration.keys?.first)
        #expect(key.secret.exposed == "nt-dev")
        #expect(key.budget?.limit.description == "5.00")
    }

    @Test("What this version does not do is warned about, with its place, and nothing else is")
    func warnings() throws {
        let warnings = try Fixture.load(Fixture.sample).warnings.map(\.description)
        let places = warnings.map { $0.split(separator: ": ")[0] }
        #expect(
            places == [])
        #expect(warnings.allSatisfy { $0.contains("is accepted, not enforced by this version") })
    }

    @Test(
        "Single settings without effect are warned about",
        arguments: [
            ("strategy: adaptive", 0), ("strategy: learned", 0), ("health_threshold: 0.5", 0),
            ("strategy: priority", 0), ("strategy: round_robin", 0),
            ("mid_stream: restart", 0), ("mid_stream: continue", 0), ("contract: { json: fail }", 0),
            ("hedge: { after: 1s }", 1), ("hedge: false", 0),
            ("hedge: { enabled: false }", 0), ("coalesce: true", 0), ("coalesce: false", 0), ("fallbacks: [m]", 0),
            ("queue: true", 0), ("retry_budget: false", 0),
        ])
    func groupWarnings(setting: String, count: Int) throws {
        let text = "providers: { m: { type: mock } }\nmodels: { g: { targets: [m], \(setting) } }"
        #expect(try Fixture.load(text).warnings.count == count)
    }

    @Test("What becomes of streams, answers and waits is read")
    func streams() throws {
        let text = """
            providers: { m: { type: mock, timeouts: { first_token: 20s, adaptive: { factor: 4, floor: 2s } } }, n: { type: mock } }
            models:
              g: { targets: [m], mid_stream: continue, contract: { empty: fail, truncated: fail } }
              h: { targets: [m], contract: { json: pass } }
            """
        let configuration = try Fixture.load(text)
        let group = try #require(configuration.group("g"))
        #expect(group.midStream == .continue)
        #expect(group.contract == ReplyContract(commitsAtContent: true, refusesEmpty: true, refusesTruncated: true))
        #expect(configuration.group("h")?.contract.isEmpty == true)
        #expect(
            configuration.providers.map(\.adaptiveTimeout) == [
                AdaptiveTimeoutState.Bounds(factor: 4, floor: .seconds(2), ceiling: .seconds(20)), nil,
            ])
    }

    @Test("JSON is YAML")
    func json() throws {
        let text =
            #"{"providers": {"m": {"type": "mock", "delay": "0s", "weight": 2}}, "telemetry": {"log": {"level": "debug"}}}"#
        let configuration = try Fixture.load(text)
        #expect(configuration.providers.first?.mock.delay == .zero)
        #expect(configuration.providers.first?.weight == 2)
        #expect(configuration.telemetry.logLevel == "debug")
    }

    @Test("Anchors and merges work, and a key of one's own wins")
    func anchors() throws {
        let configuration = try Fixture.load(
            """
            providers:
              a: &base { type: mock, weight: 5, timeouts: &t { idle: 3s } }
              b: { <<: *base, weight: 7 }
              c: { type: mock, timeouts: { <<: [*t], connect: 1s } }
            """)
        #expect(configuration.providers.map(\.weight) == [5, 7, 1])
        #expect(configuration.providers.map(\.timeouts.idle) == [.seconds(3), .seconds(3), .seconds(3)])
        #expect(configuration.provider("c")?.timeouts.connect == .seconds(1))
    }

    @Test(
        "Variables expand in any string",
        arguments: [
            ("127.0.0.1:${PORT}", 9_000), ("127.0.0.1:${NOPE:-8000}", 8_000), ("127.0.0.1:${EMPTY:-7000}", 7_000),
            ("'${HOST:-127.0.0.1}:${PORT}'", 9_000),
        ])
    func expansion(text: String, port: Int) throws {
        let configuration = try Fixture.load(
            "providers: { m: { type: mock } }\nlisten: { api: \"\(text.replacing("'", with: ""))\" }")
        #expect(configuration.listen.api == ListenAddress(host: "127.0.0.1", port: port))
    }

    @Test("An expanded value is a number where a number is wanted, in quotes too, and $${ is a plain ${")
    func expandedNumber() throws {
        let configuration = try Fixture.load(
            "providers: { m: { type: mock, limits: { concurrency: \"${PORT}\" }, headers: { X: \"$${PORT} $5\" } } }")
        #expect(configuration.providers.first?.limits.concurrency == 9_000)
        #expect(configuration.providers.first?.headers.first?.value.exposed == "${PORT} $5")
    }

    @Test("What is switched off needs no secret and is nobody's target")
    func disabled() throws {
        let configuration = try Fixture.load(
            """
            providers:
              off: { type: openai, api_key: { env: NOPE }, ca_file: nope, enabled: false }
              on: { type: mock }
            models: { g: { targets: [off/x, on, { to: on/y, enabled: false }] }, h: { enabled: false, targets: [on] } }
            keys: [ { name: a, key: { env: NOPE }, enabled: false } ]
            """)
        #expect(configuration.providers.map(\.isEnabled) == [false, true])
        #expect(configuration.group("g")?.targets.map(\.destination) == [.provider("on", model: nil)])
        #expect(configuration.group("h")?.isEnabled == false)
        #expect(configuration.keys?.isEmpty == true)
    }

    @Test("Switches take false")
    func switches() throws {
        let configuration = try Fixture.load(
            "providers: { m: { type: mock, retry: false, circuit_breaker: false, health_check: false } }")
        let provider = try #require(configuration.providers.first)
        #expect(provider.retry.maxAttempts == 1)
        #expect(provider.circuitBreaker == nil)
        #expect(provider.healthCheck == nil)
        #expect(configuration.warnings.isEmpty)
    }

    @Test("A relative path starts at the file's folder")
    func relativePath() throws {
        let configuration = try Fixture.load(
            "providers: { m: { type: openai, api_key: { file: key } } }", named: "conf/n.yaml")
        #expect(configuration.providers.first?.apiKeys.first?.secret.exposed == "sk-relative")
    }

    @Test(
        "Durations have a unit",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("1.5s", .milliseconds(1_500)), ("5m", .seconds(300)),
            ("1h", .seconds(3_600)), ("1d", .seconds(86_400)),
        ])
    func durations(text: String, expected: Duration) throws {
        let configuration = try Fixture.load("providers: { m: { type: mock } }\nlisten: { drain: \(text) }")
        #expect(configuration.listen.drain == expected)
    }

    @Test(
        "Sizes are bytes or have a unit",
        arguments: [("1", 1), ("64KiB", 65_536), ("32MiB", 33_554_432), ("1GB", 1_000_000_000)])
    func sizes(text: String, expected: Int) throws {
        let configuration = try Fixture.load("providers: { m: { type: mock } }\nlisten: { body_limit: \(text) }")
        #expect(configuration.listen.bodyLimit == expected)
    }

    @Test(
        "URLs are read as they will be asked",
        arguments: [
            ("https://api.example.com/v1/", "https://api.example.com/v1", 443), ("http://[::1]:80", "http://[::1]", 80),
            ("HTTP://Host:8080//", "http://host:8080", 8_080),
        ])
    func urls(text: String, shown: String, port: Int) throws {
        let url = try #require(HTTPURL(text))
        #expect(url.description == shown)
        #expect(url.port == port)
    }

    @Test(
        "What is no URL",
        arguments: ["", "x", "http://", "http://:80", "http://a:0", "http://a b", "//a", "http://a:x"])
    func noURL(text: String) {
        #expect(HTTPURL(text) == nil)
    }
}
