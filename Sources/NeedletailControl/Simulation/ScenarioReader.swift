import NeedletailCore
import NeedletailRouting

/// Turns a tree into a scenario. What the schema has found wrong is reported and reads as absent.
struct ScenarioReader {
    let configuration: Configuration
    var faults: FaultCollector

    init(configuration: Configuration, faults: FaultCollector) {
        self.configuration = configuration
        self.faults = faults
    }

    mutating func scenario(_ node: ConfigurationNode) -> Scenario {
        let duration = node.duration("duration") ?? .seconds(600)
        var scenario = Scenario(duration: duration, traffic: [])
        if node["traffic"]?.elements.isEmpty ?? true {
            self.faults.error(
                at: node["traffic"]?.position ?? node.position, "the scenario has no traffic",
                "write for example traffic: [ { model: NAME, rate: 5 } ]")
        }
        for element in node["traffic"]?.elements ?? [] {
            if let traffic = self.traffic(element) { scenario.traffic.append(traffic) }
        }
        for provider in self.configuration.providers where provider.isEnabled {
            scenario.providers[provider.name] = ProviderModel(
                firstTokenTimeout: provider.timeouts.firstToken, idleTimeout: provider.timeouts.idle)
        }
        for entry in node["providers"]?.entries ?? [] {
            guard let known = scenario.providers[entry.key] else {
                self.unknown("provider", entry.key, at: entry.position, among: scenario.providers.keys.sorted())
                continue
            }
            scenario.providers[entry.key] = self.provider(entry.value, known)
        }
        return scenario
    }

    private mutating func unknown(
        _ what: String, _ name: String, at position: SourcePosition, among names: [String]
    ) {
        let near = NearestNames.nearestNames(to: name, among: names, limit: 1).first
        self.faults.error(
            at: position, "the configuration has no \(what) '\(name)'",
            near.map { "did you mean '\($0)'?" } ?? "write one of: \(names.joined(separator: ", "))")
    }

    // MARK: Traffic

    private mutating func traffic(_ node: ConfigurationNode) -> TrafficModel? {
        for key in ["model", "rate"] where node[key] == nil {
            self.faults.error(
                at: node.position, "the traffic has no '\(key)'", "write for example { model: NAME, rate: 5 }")
        }
        guard let model = node.text("model"), let rate = node.double("rate") else { return nil }
        self.checkModel(model, at: node["model"]?.position ?? node.position)
        var traffic = TrafficModel(model: model, rate: rate)
        traffic.isRegular = node.text("arrivals") == "regular"
        traffic.shape = self.shape(node)
        assign(node.duration("from"), to: &traffic.from)
        traffic.until = node.duration("until")
        assign(node.double("streamed"), to: &traffic.streamed)
        traffic.inputTokens = self.tokens(node, "input_tokens") ?? traffic.inputTokens
        traffic.outputTokens = self.tokens(node, "output_tokens") ?? traffic.outputTokens
        assign(node.double("leaving"), to: &traffic.leaving)
        traffic.timeout = node.duration("timeout")
        if let key = node.text("key") {
            let names = (self.configuration.keys ?? []).map(\.name)
            if !names.contains(key) {
                self.unknown("client key", key, at: node["key"]?.position ?? node.position, among: names)
            }
            traffic.key = key
        }
        return traffic
    }

    /// A name must lead somewhere in the configuration alone: live lists are not simulated.
    private mutating func checkModel(_ model: String, at position: SourcePosition) {
        let groups = self.configuration.groups.filter(\.isEnabled).map(\.name)
        let providers = self.configuration.providers.filter(\.isEnabled)
        let head = model.split(separator: "/", maxSplits: 1).first.map(String.init) ?? model
        let isThere =
            groups.contains(model) || self.configuration.defaultGroup?.isEnabled == true
            || (head != model && (groups.contains(head) || providers.contains { $0.name == head }))
            || providers.contains { $0.models.contains(model) }
        if !isThere { self.unknown("model", model, at: position, among: groups + providers.flatMap(\.models)) }
    }

    private mutating func shape(_ node: ConfigurationNode) -> TrafficModel.Shape {
        if let wave = node["wave"], let bursts = node["bursts"] {
            self.faults.error(
                at: max(wave.position, bursts.position), "'wave' and 'bursts' are both given",
                "keep one of them, or write two entries of traffic")
        }
        if let wave = node["wave"] {
            return .wave(period: wave.duration("period") ?? .seconds(86_400), depth: wave.double("depth") ?? 0.5)
        }
        guard let bursts = node["bursts"] else { return .flat }
        let every = bursts.duration("every") ?? .seconds(600)
        let length = bursts.duration("for") ?? .seconds(30)
        if length >= every {
            self.faults.error(at: bursts.position, "the bursts never end", "write a 'for' shorter than 'every'")
        }
        return .bursts(every: every, length: length, times: bursts.double("times") ?? 5)
    }

    private mutating func tokens(_ node: ConfigurationNode, _ key: String) -> ClosedRange<Int>? {
        guard let inner = node[key] else { return nil }
        if let whole = node.int(key) { return whole...whole }
        guard let most = inner.int("max") else {
            if case .mapping = inner.content {
                self.faults.error(at: inner.position, "'\(key)' has no 'max'", "write { min: 50, max: 500 }")
            }
            return nil
        }
        let least = inner.int("min") ?? 1
        guard least <= most else {
            self.faults.error(at: inner.position, "'\(key)' ends before it begins", "write { min: 50, max: 500 }")
            return nil
        }
        return least...most
    }

    // MARK: Providers

    private mutating func provider(_ node: ConfigurationNode, _ known: ProviderModel) -> ProviderModel {
        var model = known
        model.base = self.behaviour(node, model.base)
        if let price = node["price"] {
            // A price is for a million tokens.
            model.inputPrice = Int64(clamping: (price.money("input")?.picodollars ?? 0) / 1_000_000)
            model.outputPrice = Int64(clamping: (price.money("output")?.picodollars ?? 0) / 1_000_000)
        }
        for element in node["timeline"]?.elements ?? [] {
            var behaviour = self.behaviour(element, model.base)
            if let word = element.text("outage"), let kind = Self.kinds[word] {
                behaviour.faults = [.init(kind, rate: 1)]
            }
            let from = element.duration("from") ?? .zero
            guard let until = element.duration("until"), from < until else {
                self.faults.error(
                    at: element.position, "this part of the timeline ends before it begins",
                    "write for example { from: 10m, until: 20m, outage: server_error }")
                continue
            }
            model.phases.append(.init(from: from, until: until, behaviour))
        }
        return model
    }

    private mutating func behaviour(_ node: ConfigurationNode, _ base: ProviderBehaviour) -> ProviderBehaviour {
        var behaviour = base
        assign(self.distribution(node, "latency"), to: &behaviour.latency)
        assign(self.distribution(node, "failure_latency"), to: &behaviour.failureLatency)
        assign(node.double("tokens_per_second"), to: &behaviour.tokensPerSecond)
        if let faults = node["faults"] {
            behaviour.faults = ScenarioSchema.faults.compactMap { word in
                guard let rate = faults.double(word), let kind = Self.kinds[word] else { return nil }
                return .init(kind, rate: rate)
            }
            if behaviour.faults.reduce(0, { $0 + $1.rate }) > 1.000_001 {
                self.faults.error(
                    at: faults.position, "the rates of the faults add up to more than 1", "write smaller shares")
            }
        }
        if let limit = node["rate_limit"] {
            behaviour.rateLimit = limit.int("rpm").map {
                .init(requestsPerMinute: $0, burst: limit.int("burst"), tellsWhen: limit.bool("retry_after") ?? true)
            }
            if behaviour.rateLimit == nil, limit.scalar?.text != "false" {
                self.faults.error(at: limit.position, "'rate_limit' has no 'rpm'", "write { rpm: 500 }, or false")
            }
        }
        if let most = node.int("concurrency") { behaviour.concurrency = most }
        return behaviour
    }

    private static let kinds: [String: ProviderBehaviour.Fault.Kind] = [
        "server_error": .failure(.upstreamFailed), "overloaded": .failure(.overloaded),
        "unreachable": .failure(.unreachable), "rate_limited": .failure(.rateLimited),
        "unauthorized": .failure(.credentialRejected), "bad_request": .failure(.invalidRequest),
        "not_found": .failure(.notFound), "conflict": .failure(.conflict), "malformed": .failure(.malformedReply),
        "hang": .hang, "break": .breaks, "stall": .stalls,
    ]

    /// The law that a section names; without a name, the one that its keys are of.
    private mutating func distribution(_ node: ConfigurationNode, _ key: String) -> LatencyDistribution? {
        guard let inner = node[key] else { return nil }
        if let value = node.duration(key) { return .constant(value) }
        let (low, high) = (inner.duration("min"), inner.duration("max"))
        let (median, p99) = (inner.duration("median"), inner.duration("p99"))
        let alpha = inner.double("alpha")
        let guess = alpha != nil ? "heavy_tail" : median != nil ? "lognormal" : high != nil ? "uniform" : "constant"
        switch (inner.text("distribution") ?? guess, low, high, median) {
        case ("constant", _, _, let median?), ("constant", let median?, _, nil): return .constant(median)
        case ("uniform", let low, let high?, _) where low ?? .zero <= high: return .uniform(low ?? .zero, high)
        case ("lognormal", _, _, let median?) where p99.map({ $0 >= median }) ?? true:
            return .lognormal(median: median, p99: p99 ?? median * 4)
        case ("heavy_tail", let low?, let high?, _) where low <= high:
            return .heavyTail(minimum: low, alpha: alpha ?? 1.5, maximum: high)
        default:
            guard case .mapping = inner.content else { return nil }
            self.faults.error(
                at: inner.position, "'\(key)' describes no times",
                "write 800ms, { median: 800ms, p99: 4s }, { min: 1s, max: 2s } or { min: 300ms, alpha: 1.5, max: 60s }")
            return nil
        }
    }
}
