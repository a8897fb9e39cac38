import NeedletailCore
import NeedletailProviders

/// What the environment variables of the seeds set for everything that a file leaves out. Times are milliseconds.
struct EnvironmentDefaults {
    let environment: [String: String]
    private(set) var retry = RetryConfiguration()
    private(set) var circuitBreaker = CircuitBreakerConfiguration()
    private(set) var strategy = GroupConfiguration.Strategy.priority
    private(set) var maxAttempts = 3
    private(set) var healthThreshold: Double?

    init(_ environment: [String: String], faults: inout FaultCollector) {
        self.environment = environment
        assign(self.int("RETRY_MAX_ATTEMPTS", 1...100, &faults), to: &self.retry.maxAttempts)
        assign(self.milliseconds("RETRY_BASE_DELAY_MS", from: 0, &faults), to: &self.retry.baseDelay)
        assign(self.milliseconds("RETRY_MAX_DELAY_MS", from: 0, &faults), to: &self.retry.maxDelay)
        assign(self.number("RETRY_BACKOFF_FACTOR", 1...100, &faults), to: &self.retry.backoffFactor)
        assign(self.bool("RETRY_JITTER", &faults), to: &self.retry.jitter)

        let counts = 1...Int.max
        assign(
            self.int("CIRCUIT_BREAKER_FAILURE_THRESHOLD", counts, &faults),
            to: &self.circuitBreaker.failureThreshold
        )
        assign(
            self.int("CIRCUIT_BREAKER_SUCCESS_THRESHOLD", counts, &faults),
            to: &self.circuitBreaker.successThreshold
        )
        assign(self.int("CIRCUIT_BREAKER_HALF_OPEN_LIMIT", counts, &faults), to: &self.circuitBreaker.halfOpenLimit)
        assign(
            self.milliseconds("CIRCUIT_BREAKER_RECOVERY_TIMEOUT", from: 1, &faults),
            to: &self.circuitBreaker.recoveryTimeout
        )

        assign(self.int("FAILOVER_MAX_ATTEMPTS", 1...100, &faults), to: &self.maxAttempts)
        self.healthThreshold = self.number("FAILOVER_HEALTH_THRESHOLD", 0...1, &faults)
        self.readStrategy(&faults)
        self.warn(&faults)
    }

    private mutating func readStrategy(_ faults: inout FaultCollector) {
        let name = "FAILOVER_STRATEGY"
        guard let text = self.value(name) else { return }
        guard let strategy = GroupConfiguration.Strategy(rawValue: text) else {
            let nearest = NearestNames.nearestNames(to: text, among: ConfigurationSchema.strategies, limit: 1).first
            faults.error(
                at: .environment(name),
                "this is no strategy",
                nearest.map { "did you mean '\($0)'?" }
                    ?? "write one of: \(ConfigurationSchema.strategies.joined(separator: ", "))"
            )
            return
        }
        self.strategy = strategy
    }

    /// Names what is set and has no effect in this version.
    private func warn(_ faults: inout FaultCollector) {
        var idle = [
            "CIRCUIT_BREAKER_FAILURE_THRESHOLD", "CIRCUIT_BREAKER_SUCCESS_THRESHOLD", "CIRCUIT_BREAKER_HALF_OPEN_LIMIT",
            "CIRCUIT_BREAKER_RECOVERY_TIMEOUT",
        ]
        if ConfigurationSchema.isAccepted("providers.*.circuit_breaker") == false { idle = [] }
        for name in idle where self.value(name) != nil {
            faults.warning(
                at: .environment(name),
                "it is accepted, not enforced by this version",
                "unset it, or do not rely on it"
            )
        }
    }

    // MARK: Per type

    /// The defaults that `PREFIX_…` sets for every provider of a type.
    func provider(_ name: String, _ type: ProviderType, _ faults: inout FaultCollector) -> ProviderConfiguration {
        var provider = ProviderConfiguration(name: name, type: type.name)
        provider.retry = self.retry
        provider.circuitBreaker = self.circuitBreaker
        for setting in type.settings {
            guard let name = setting.variables.first(where: self.isSet), let text = self.value(name) else { continue }
            // A file's path may hold spaces.
            let value = setting.kind == .file ? text : self.printable(text, name, &faults)
            provider.settings[setting.name] = value.map { Secret($0) }
        }
        if let name = type.keyVariables.first(where: self.isSet), let key = self.value(name) {
            provider.apiKeys =
                self.printable(key, name, &faults).map { [WeightedSecret(secret: Secret($0), weight: 1)] } ?? []
        }
        if let name = type.baseURLVariables.first(where: self.isSet), let text = self.value(name) {
            // What other tools read under such a name may be a bare host.
            let isOurs = type.environmentPrefix.map { name == "\($0)_BASE_URL" } ?? false
            if let url = HTTPURL(text) ?? (isOurs ? nil : HTTPURL("https://" + text)) {
                provider.baseURL = url
            } else {
                faults.error(
                    at: .environment(name),
                    "this is not a URL",
                    "set it to a URL without user and query, for example https://api.example.com/v1"
                )
            }
        }
        guard let prefix = type.environmentPrefix else { return provider }
        if let timeout = self.milliseconds("\(prefix)_TIMEOUT", from: 1, &faults) {
            // The seeds' timeout is the whole request's; a whole reply comes with its first byte.
            provider.timeouts.total = timeout
            provider.timeouts.firstToken = timeout
        }
        assign(self.int("\(prefix)_RETRY_ATTEMPTS", 1...100, &faults), to: &provider.retry.maxAttempts)
        if let isOn = self.bool("\(prefix)_CIRCUIT_BREAKER", &faults) {
            if !isOn {
                provider.circuitBreaker = nil
            } else if ConfigurationSchema.isAccepted("providers.*.circuit_breaker") {
                faults.warning(
                    at: .environment("\(prefix)_CIRCUIT_BREAKER"),
                    "it is accepted, not enforced by this version",
                    "unset it, or do not rely on it"
                )
            }
        }
        return provider
    }

    /// A credential or setting that can go into a request.
    private func printable(_ text: String, _ name: String, _ faults: inout FaultCollector) -> String? {
        if text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) { return text }
        faults.error(at: .environment(name), "it holds a space or control character", "set it to the bare value")
        return nil
    }

    /// Whether the environment names an upstream of the type: all that it cannot do without is there.
    func configures(_ type: ProviderType) -> Bool {
        guard !type.isMock else { return true }
        guard self.missing(of: type) == nil else { return false }
        guard type.requiresKey else { return type.baseURLVariables.contains(where: self.isSet) }
        return self.credential(of: type) != nil
    }

    /// What the environment holds of a credential for a type that it says too little of, and what is missing.
    func lack(of type: ProviderType) -> (credential: String, missing: String)? {
        guard type.requiresKey, let credential = self.credential(of: type), let missing = self.missing(of: type)
        else { return nil }
        return (credential, missing)
    }

    /// The variable that holds a credential of the type. Somebody who gives out tokens wants one too.
    private func credential(of type: ProviderType) -> String? {
        let others = type.settings.filter { $0.kind != .text }.flatMap(\.variables)
        return (type.keyVariables + others).first(where: self.isSet)
    }

    /// A variable without which the type has no place to ask.
    private func missing(of type: ProviderType) -> String? {
        let isThere = { (setting: ProviderSetting) in setting.variables.contains(where: self.isSet) }
        for setting in type.settings where setting.isRequired && setting.fallback == nil && !isThere(setting) {
            guard !type.settings.contains(where: { $0.name == setting.impliedBy && isThere($0) }) else { continue }
            return setting.variables.first ?? setting.name
        }
        let hasBaseURL = type.baseURLVariables.contains(where: self.isSet)
        return hasBaseURL || !type.requiresBaseURL ? nil : type.baseURLVariables.first
    }

    /// Whether the environment holds something under `name`.
    func isSet(_ name: String) -> Bool {
        self.value(name) != nil
    }

    // MARK: Values

    private func value(_ name: String) -> String? {
        guard let value = self.environment[name], !value.isEmpty else { return nil }
        return value
    }

    private func int(_ name: String, _ range: ClosedRange<Int>, _ faults: inout FaultCollector) -> Int? {
        guard let text = self.value(name) else { return nil }
        if let value = Int(text), range.contains(value) { return value }
        faults.error(at: .environment(name), "this is not such a number", SchemaKind.integer(range).example)
        return nil
    }

    private func number(_ name: String, _ range: ClosedRange<Double>, _ faults: inout FaultCollector) -> Double? {
        guard let text = self.value(name) else { return nil }
        if let value = Double(text), range.contains(value) { return value }
        faults.error(at: .environment(name), "this is not such a number", SchemaKind.number(range).example)
        return nil
    }

    private func bool(_ name: String, _ faults: inout FaultCollector) -> Bool? {
        guard let text = self.value(name) else { return nil }
        switch text.lowercased() {
        case "true", "1": return true
        case "false", "0": return false
        default:
            faults.error(at: .environment(name), "this is not a boolean", "write true or false")
            return nil
        }
    }

    private func milliseconds(_ name: String, from least: Int, _ faults: inout FaultCollector) -> Duration? {
        guard let text = self.value(name) else { return nil }
        let longest = Int(DurationText.longest.components.seconds) * 1_000
        if let value = Int(text), value >= least, value <= longest { return .milliseconds(value) }
        faults.error(
            at: .environment(name),
            "this is not a number of milliseconds",
            "write a whole number of milliseconds, for example 120000"
        )
        return nil
    }
}
