import NeedletailControl

/// Loads texts in tests: this version's types, a given environment, files from a dictionary.
enum Fixture {
    static let environment = [
        "OPENAI_API_KEY": "sk-environment", "DEV_KEY": "nt-dev", "PORT": "9000", "EMPTY": "", "TWO_LINES": "a\nb",
    ]
    static let files = ["/etc/key": "sk-file\n", "conf/key": "sk-relative", "/etc/empty": " \n"]

    static func load(
        _ text: String,
        environment: [String: String] = Fixture.environment,
        named file: String = "f.yaml"
    ) throws(ConfigurationError) -> Configuration {
        try Self.loader(environment).load(text: text, named: file)
    }

    static func loader(_ environment: [String: String]) -> ConfigurationLoader {
        let files = ConfigurationFiles { path, _ throws(ConfigurationFiles.Failure) in
            guard let text = Self.files[path] else { throw .missing }
            return text
        }
        return ConfigurationLoader(types: .version, environment: environment, files: files)
    }

    /// The faults of a text that must have some.
    static func faults(_ text: String, environment: [String: String] = Fixture.environment) -> [String] {
        do {
            _ = try Self.load(text, environment: environment)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    /// The example of the contract, in our words.
    static let sample = """
        listen:   { api: 127.0.0.1:4003, admin: 127.0.0.1:4004 }
        providers:
          first:
            type: openai
            base_url: https://api.example.com/v1/
            api_key: { env: OPENAI_API_KEY }
            timeouts: { connect: 5s, first_token: 50s, idle: 40s, total: 300s }
            retry:    { max_attempts: 4, base_delay: 250ms, backoff_factor: 1.5, max_delay: 20s, jitter: false }
            circuit_breaker: { failure_threshold: 6, success_threshold: 3, recovery_timeout: 90s, half_open_limit: 4 }
            limits:   { rpm: 500, tpm: 150000, concurrency: 100, daily_budget: 10.00 }
            health_check: { interval: 15s, timeout: 2s }
            priority: 2
            weight: 0.7
            headers: { X-Extra: value }
          second:
            type: anthropic
            api_keys: [ { key: { file: /etc/key }, weight: 3 }, { key: { env: DEV_KEY } } ]
        models:
          chat-service:
            strategy: priority
            targets:
              - first/gpt-4o-mini
              - { to: second/claude/with/slashes, weight: 1, priority: 2 }
            max_attempts: 3
            health_threshold: 0.7
          vision: { targets: [chat-service] }
        default: { strategy: round_robin, targets: [first, second] }
        routes:
          - when: { has_images: true, model: "auto" }
            to: vision
        keys:
          - { name: dev, key: { env: DEV_KEY }, models: ["*"], limits: { rpm: 60 }, budget: { limit: 5.00, per: day } }
        """
}
