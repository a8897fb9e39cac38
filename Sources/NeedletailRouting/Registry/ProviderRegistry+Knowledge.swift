public import Logging
public import NeedletailCore

/// What the registered providers can do, cost, and whether they are there.
extension ProviderRegistry {
    /// A model at a provider that may have a capability.
    public struct Candidate: Sendable, Hashable {
        /// The provider's name.
        public var provider: ProviderID
        /// The model, in the provider's words.
        public var model: String
        /// Whether it has it, or nobody knows.
        public var ability: Capability.Ability
    }

    /// The models of enabled providers that can do something: first those that surely can, then, if asked for, those of
    /// which nobody knows; each in the order of the names.
    ///
    /// - Parameter includingUnknown: Whether to list those too. Default false.
    public func models(able capability: Capability, includingUnknown: Bool = false) -> [Candidate] {
        let all = self.entries.filter(\.isEnabled).flatMap { entry in
            entry.profile.models.sorted().map { model in
                Candidate(
                    provider: entry.name, model: model, ability: entry.profile.ability(model, capability))
            }
        }
        return all.filter { $0.ability == .able }
            + (includingUnknown ? all.filter { $0.ability == .unknown } : [])
    }

    /// The enabled providers with a model that can do something, by name.
    public func providers(able capability: Capability) -> [ProviderID] {
        self.entries.filter { entry in
            entry.isEnabled && entry.profile.models.contains { entry.profile.ability($0, capability) == .able }
        }.map(\.name)
    }

    /// What a request would cost at every enabled provider that serves its model, the cheapest first, unknown ones last.
    ///
    /// A provider whose models are not known is taken to serve any.
    ///
    /// - Parameter models: Other models to reckon with, as globs (`gpt-4o*`); `nil` for the request's own.
    public func estimateCosts(_ request: InferenceRequest, models: [String]? = nil) -> [CostEstimate] {
        let globs = models?.map(ModelGlob.init)
        let estimates = self.entries.filter(\.isEnabled).flatMap { entry -> [CostEstimate] in
            let known = entry.profile.models
            let wanted: [String]
            if let globs {
                wanted = known.filter { model in globs.contains { $0.matches(model) } }
            } else {
                wanted = known.isEmpty || known.contains(request.model) ? [request.model] : []
            }
            return wanted.map { CostEstimate(request, provider: entry.name, model: $0, entry.profile.price($0)) }
        }
        return estimates.sorted()
    }

    /// Asks all providers at the same time whether they are there.
    ///
    /// - Parameter timeout: How long each may take. Default 5 s.
    /// - Returns: What was found out of each that can be asked.
    public func checkHealth(
        timeout: Duration = .seconds(5), logger: Logger = Logger(label: "needletail")
    ) async -> [ProviderID: HealthMonitor.Status] {
        let checks = self.entries.compactMap { entry in
            entry.profile.check.map {
                HealthMonitor.Check(provider: entry.name, timeout: timeout, listModels: $0)
            }
        }
        let monitor = HealthMonitor(checks, time: self.time, logger: logger) { _, _ in }
        await monitor.checkAll()
        return monitor.snapshot()
    }
}
