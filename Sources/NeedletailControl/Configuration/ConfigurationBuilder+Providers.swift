import HTTPTypes
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailTransport

extension ConfigurationBuilder {
    /// The providers for a start without a file: one for each key that is set, and those that answer by themselves.
    mutating func providersFromEnvironment() -> [ProviderConfiguration] {
        var providers: [ProviderConfiguration] = []
        for type in self.types.all where self.defaults.configures(type) {
            var provider = self.defaults.provider(type.name, type, &self.faults)
            self.readDefaultLimits(&provider)
            providers.append(provider)
        }
        let mocks = Set(self.types.all.filter(\.isMock).map(\.name))
        if providers.allSatisfy({ mocks.contains($0.type) }) {
            for type in self.types.all {
                guard let (name, missing) = self.defaults.lack(of: type) else { continue }
                self.faults.warning(
                    at: .environment(name),
                    "the key's provider '\(type.name)' wants more than a key: the mock answers",
                    "set \(missing)"
                )
            }
        }
        return providers
    }

    mutating func providers(_ node: ConfigurationNode) -> [ProviderConfiguration] {
        if node.entries.isEmpty, case .mapping = node.content {
            self.faults.error(at: node.position, "there is no provider", "add one, or leave 'providers' away")
        }
        return node.entries.compactMap { self.provider($0) }
    }

    private mutating func provider(_ entry: ConfigurationNode.Entry) -> ProviderConfiguration? {
        let node = entry.value
        guard ScalarCheck.isName(entry.key) else {
            self.faults.error(at: entry.position, "'\(entry.key)' cannot name a provider", SchemaKind.name.example)
            return nil
        }
        guard case .mapping = node.content else { return nil }
        guard let typeNode = node["type"] else {
            if !node.entries.contains(where: { $0.key == "type" }) {
                self.faults.error(
                    at: entry.position,
                    "the provider '\(entry.key)' has no 'type'",
                    "write one of: \(self.types.all.map(\.name).joined(separator: ", "))"
                )
            }
            return nil
        }
        guard let type = typeNode.scalar.flatMap({ self.types[$0.text] }) else { return nil }
        // What a file sets for a disabled provider need not be there, and neither need the environment's part.
        var provider = self.defaults.provider(entry.key, type, &self.faults)
        provider.position = entry.position
        provider.isEnabled = node.isEnabled
        provider.baseURL = node.url("base_url") ?? provider.baseURL
        self.readKeys(node, &provider)
        self.readSettings(node, type, &provider, at: entry.position)
        self.readPolicies(node, &provider)
        self.readRest(node, &provider)
        self.check(node, type, provider, at: entry.position)
        return provider
    }

    private mutating func readKeys(_ node: ConfigurationNode, _ provider: inout ProviderConfiguration) {
        let single = node["api_key"]
        let several = node["api_keys"]
        if let several, single != nil {
            self.faults.error(at: several.position, "'api_key' and 'api_keys' are both there", "keep one of them")
        }
        guard provider.isEnabled else { return }
        let what = "the key of the provider '\(provider.name)'"
        if let single {
            provider.apiKeys = []
            provider.apiKeys = self.weighted(single, what, weight: 1)
        }
        guard let several else { return }
        provider.apiKeys = []
        for element in several.elements where element.isEnabled {
            guard let key = element["key"] else {
                if case .mapping = element.content {
                    self.faults.error(at: element.position, "this entry has no 'key'", "write { key: { env: NAME } }")
                }
                continue
            }
            provider.apiKeys += self.weighted(key, what, weight: element.double("weight") ?? 1)
        }
    }

    /// A key with its share. While a rotation's overlap lasts the key before stands behind it, for when it is refused: with
    /// no share of its own but the least that there is.
    private mutating func weighted(_ node: ConfigurationNode, _ what: String, weight: Double) -> [WeightedSecret] {
        self.secrets.secrets(node, what, &self.faults).enumerated().map { index, secret in
            WeightedSecret(secret: secret, weight: index == 0 ? weight : 0)
        }
    }

    private mutating func readPolicies(_ node: ConfigurationNode, _ provider: inout ProviderConfiguration) {
        if let timeouts = node["timeouts"] {
            assign(timeouts.duration("connect"), to: &provider.timeouts.connect)
            assign(timeouts.duration("first_token"), to: &provider.timeouts.firstToken)
            assign(timeouts.duration("idle"), to: &provider.timeouts.idle)
            assign(timeouts.duration("total"), to: &provider.timeouts.total)
            if let adaptive = timeouts["adaptive"], timeouts.bool("adaptive") != false {
                var bounds = AdaptiveTimeoutState.Bounds(ceiling: provider.timeouts.firstToken)
                assign(adaptive.double("factor"), to: &bounds.factor)
                bounds.floor = adaptive.duration("floor") ?? min(bounds.floor, bounds.ceiling)
                provider.adaptiveTimeout = bounds
                if bounds.floor > bounds.ceiling {
                    self.faults.error(
                        at: adaptive["floor"]?.position ?? adaptive.position, "the floor is above 'first_token'",
                        "write at most \(timeouts.text("first_token") ?? "60s")")
                }
            }
        }
        if node.bool("retry") == false { provider.retry.maxAttempts = 1 }
        if let retry = node["retry"] {
            assign(retry.int("max_attempts"), to: &provider.retry.maxAttempts)
            assign(retry.duration("base_delay"), to: &provider.retry.baseDelay)
            assign(retry.double("backoff_factor"), to: &provider.retry.backoffFactor)
            assign(retry.duration("max_delay"), to: &provider.retry.maxDelay)
            assign(retry.bool("jitter"), to: &provider.retry.jitter)
        }
        if let node = node["circuit_breaker"] {
            var breaker = provider.circuitBreaker ?? CircuitBreakerConfiguration()
            assign(node.int("failure_threshold"), to: &breaker.failureThreshold)
            assign(node.int("success_threshold"), to: &breaker.successThreshold)
            assign(node.duration("recovery_timeout"), to: &breaker.recoveryTimeout)
            assign(node.int("half_open_limit"), to: &breaker.halfOpenLimit)
            assign(node.double("error_rate"), to: &breaker.errorRate)
            assign(node.duration("window"), to: &breaker.window)
            assign(node.int("minimum_requests"), to: &breaker.minimumRequests)
            provider.circuitBreaker = node.scalar?.text == "false" ? nil : breaker
        }
        provider.drainsOnDisconnect = node.text("on_disconnect") == "drain"
        if let node = node["health_check"] {
            var check = HealthCheckConfiguration()
            assign(node.duration("interval"), to: &check.interval)
            assign(node.duration("timeout"), to: &check.timeout)
            provider.healthCheck = node.scalar?.text == "false" ? nil : check
        }
        if let limits = node["limits"] {
            provider.limits = self.limits(limits)
        } else {
            self.readDefaultLimits(&provider)
        }
        for entry in node["model_limits"]?.entries ?? [] {
            provider.modelLimits[entry.key] = self.limits(entry.value)
        }
    }

    /// What a type's own service allows of itself; a server elsewhere has limits of its own.
    private func readDefaultLimits(_ provider: inout ProviderConfiguration) {
        guard provider.baseURL == nil, let known = self.types[provider.type]?.limits else { return }
        provider.limits.rpm = known.requestsPerMinute
        provider.limits.tpm = known.tokensPerMinute
    }

    /// Reads limits; `off` is none.
    mutating func limits(_ node: ConfigurationNode?) -> LimitConfiguration {
        var limits = LimitConfiguration()
        guard let node else { return limits }
        if let burst = node["burst"], node["rpm"] == nil, node["rph"] == nil {
            self.faults.error(
                at: burst.position, "'burst' says how many requests of a rate may come at once, and there is no rate",
                "write rpm or rph beside it, or remove it")
        }
        limits.concurrency = node.int("concurrency")
        limits.rpm = node.int("rpm")
        limits.rph = node.int("rph")
        limits.tpm = node.int("tpm")
        limits.burst = node.int("burst")
        limits.adaptive = node.bool("adaptive") ?? false
        limits.dailyBudget = node.money("daily_budget")
        limits.costPerRequest = node.money("cost_per_request")
        return limits
    }

    private mutating func readRest(_ node: ConfigurationNode, _ provider: inout ProviderConfiguration) {
        provider.api = node.text("api").flatMap { DialectID(rawValue: $0) }
        assign(node.int("priority"), to: &provider.priority)
        assign(node.double("weight"), to: &provider.weight)
        assign(node.texts("models"), to: &provider.models)
        provider.allowsImageFetch = node.bool("fetch_urls") ?? false
        provider.proxy = node.url("proxy")
        provider.capabilities = (node["capabilities"]?.entries ?? []).map { Self.capabilities($0.key, $0.value) }
        if let file = node.text("ca_file") {
            provider.caFile = provider.isEnabled ? self.file(file, node["ca_file"]) : self.secrets.path(file)
        }
        provider.maxTokensField = node["quirks"]?.text("max_tokens_field")
        provider.supportsStreamUsage = node["quirks"]?.bool("stream_usage")
        provider.takesOnlyInlineMedia = node["quirks"]?.bool("inline_media_only") ?? false
        provider.takesReasoningDetails = node["quirks"]?.bool("reasoning_details")
        if let script = node.text("script") {
            provider.mock.scriptFile =
                provider.isEnabled ? self.file(script, node["script"]) : self.secrets.path(script)
        }
        assign(node.millionths("discount"), to: &provider.discount)
        provider.mock.delay = node.duration("delay")
        provider.mock.seed = node.int("seed")
        self.readFaults(node["faults"], &provider)
        self.readHeaders(node["headers"], &provider)
    }

    private mutating func readFaults(_ node: ConfigurationNode?, _ provider: inout ProviderConfiguration) {
        guard let node, node.scalar?.text != "false" else { return }
        guard let script = node.text("script") else {
            self.faults.error(at: node.position, "'faults' names no script", "write { script: FILE }, or false")
            return
        }
        let file = provider.isEnabled ? self.file(script, node["script"]) : self.secrets.path(script)
        provider.faults = MockConfiguration()
        provider.faults?.scriptFile = file
        provider.faults?.seed = node.int("seed")
        guard provider.isEnabled else { return }
        self.faults.warning(
            at: node.position,
            "some calls to the provider '\(provider.name)' fail on purpose, as '\(script)' says",
            "remove 'faults' unless this is staging"
        )
    }

    private static func capabilities(_ pattern: String, _ node: ConfigurationNode) -> ModelCapabilities.Statement {
        ModelCapabilities.Statement(
            pattern,
            ModelFacts(
                contextWindow: node.int("context_window"),
                maxOutputTokens: node.int("max_output_tokens"),
                vision: node.bool("vision"),
                tools: node.bool("tools"),
                structuredOutput: node.bool("structured_output"),
                reasoning: node.bool("reasoning")
            ))
    }

    private mutating func readHeaders(_ node: ConfigurationNode?, _ provider: inout ProviderConfiguration) {
        for entry in node?.entries ?? [] {
            // What frames the message belongs to the transport.
            guard let name = HTTPField.Name(entry.key), !RequestEncoder.isOurs(name) else {
                self.faults.error(
                    at: entry.position,
                    "'\(entry.key)' is no header that can be set",
                    "write a name such as X-Extra"
                )
                continue
            }
            guard provider.isEnabled else { continue }
            if let text = entry.value.scalar?.text {
                // A header is not a secret by itself; only keys are warned about.
                provider.headers.append((entry.key, Secret(text)))
            } else if let value = self.secrets.secret(entry.value, "the header '\(entry.key)'", &self.faults) {
                provider.headers.append((entry.key, value))
            }
        }
    }

    /// What the type asks for.
    private mutating func check(
        _ node: ConfigurationNode,
        _ type: ProviderType,
        _ provider: ProviderConfiguration,
        at position: SourcePosition
    ) {
        if type.requiresBaseURL, provider.baseURL == nil, node["base_url"] == nil {
            self.faults.error(
                at: position,
                "the provider '\(provider.name)' of type '\(type.name)' has no 'base_url'",
                SchemaKind.url.example
            )
        }
        if let api = provider.api, !type.dialects.contains(api), let apiNode = node["api"] {
            self.faults.error(
                at: apiNode.position,
                "the type '\(type.name)' does not speak '\(api.rawValue)'",
                "write one of: \(type.dialects.map(\.rawValue).joined(separator: ", "))"
            )
        }
        if !type.isMock {
            for key in ["script", "delay", "seed"] {
                guard let entry = node.entries.first(where: { $0.key == key }) else { continue }
                self.faults.error(
                    at: entry.position,
                    "'\(key)' belongs to a mock, and the type is '\(type.name)'",
                    "remove it"
                )
            }
        }
        if type.isMock, let faults = node["faults"], provider.faults != nil {
            self.faults.error(
                at: faults.position, "'faults' wraps a real provider, and the type is '\(type.name)'",
                "write its script under 'script'")
        }
        if provider.allowsImageFetch, !provider.takesOnlyInlineMedia, let fetch = node["fetch_urls"] {
            self.faults.warning(
                at: fetch.position,
                "'fetch_urls' has no effect, because this provider is handed URLs as they are",
                "write quirks: { inline_media_only: true } beside it if the provider takes only base64"
            )
        }
        let hasKey =
            !provider.apiKeys.isEmpty || node["api_key"] != nil || node["api_keys"] != nil || type.hasIdentity
        if provider.isEnabled, type.requiresKey, provider.baseURL == nil, !hasKey {
            let example = type.keyVariables.first ?? "NAME"
            self.faults.warning(
                at: position,
                "the provider '\(provider.name)' has no key, so its upstream will refuse every request",
                "write api_key: { env: \(example) }"
            )
        }
    }
}
