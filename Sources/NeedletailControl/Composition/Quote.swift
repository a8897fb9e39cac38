import NeedletailCore
import NeedletailProviders
import NeedletailRouting

/// What a request may cost at each of those that may answer it. Asks nobody and counts nothing.
struct Quote {
    /// One who may answer.
    struct Candidate {
        var provider: String
        var model: String
        /// Whether it is asked only when no other is left.
        var isFallback: Bool
        /// What it may cost; `nil` for an unknown price.
        var interval: CostInterval?
        /// The price; `nil` for unknown.
        var price: Price?
        /// The most tokens, which a budget holds.
        var bound: CallBound
        /// Why it cannot answer this request; `nil` if it can.
        var unfit: String?
    }

    /// Where the model's name, or a rule, leads.
    var destination: String
    /// The rule or experiment that decides; `nil` for the name.
    var rule: String?
    var candidates: [Candidate] = []

    /// - Parameters:
    ///   - current: What serves.
    ///   - info: Who asks.
    /// - Throws: What the client would be told of a name that leads nowhere or that its key may not use.
    init(
        _ request: InferenceRequest, _ info: RequestInfo, _ current: RunningConfiguration.Current, wallSeconds: Int64
    ) throws(NeedletailError) {
        let stack = current.stack
        let verdict = stack.rules.explain(request, info).last { $0.holds }
        let found =
            if let verdict {
                try stack.directory.destination(
                    to: verdict.destination.place, asked: request.model, allowed: info.allowedModels)
            } else {
                try stack.directory.destination(of: request.model, allowed: info.allowedModels)
            }
        self.rule = verdict.map { verdict in "\(verdict.name)\(verdict.arm.map { " (\($0))" } ?? "")" }
        self.destination = Self.text(found.place)
        for (place, isFallback) in Self.places(found, request, current) {
            let name = place.model ?? found.model
            guard let entry = stack.upstreams.first(where: { $0.configuration.name == place.provider }) else {
                continue
            }
            let known = stack.prices.model(name, at: entry.provider.id)
            let bound = CallBound(request, modelLimit: known.outputLimit, imageTokens: known.imageTokens)
            self.candidates.append(
                Candidate(
                    provider: place.provider, model: name, isFallback: isFallback,
                    interval: known.price.flatMap { CostInterval(request, $0, bound, at: wallSeconds) },
                    price: known.price, bound: bound, unfit: entry.provider.refusal(of: request, model: name)?.message))
        }
    }

    private static func text(_ place: RoutingDestination.Place) -> String {
        switch place {
        case .group(let name): name.isEmpty ? "default" : name
        case .provider(let name, let model): model.map { "\(name)/\($0)" } ?? name
        }
    }

    /// Those who may be asked, fallbacks last.
    private static func places(
        _ found: ModelDirectory.Destination, _ request: InferenceRequest, _ current: RunningConfiguration.Current
    ) -> [(place: (provider: String, model: String?), isFallback: Bool)] {
        let configuration = current.configuration
        switch found.place {
        case .provider(let name, let model): return [((name, model ?? found.model), false)]
        case .group(let name):
            guard var group = name.isEmpty ? configuration.defaultGroup : configuration.group(name) else { return [] }
            if let tiers = group.tiers {
                let score = ComplexityScore(ComplexityScore.Facts(request), weights: tiers.weights)
                let tier = tiers.thresholds.tier(of: score.value)
                group.targets =
                    found.isNarrowed
                    ? TierRouter.Tier.allCases.flatMap { tiers.targets[$0] ?? [] }
                    : tier.order.lazy.compactMap { tiers.targets[$0] }.first ?? []
            }
            let own = Self.laid(group, current)
            group.targets =
                group.fallbacks + [group.contextWindowFallback, group.contentFilterFallback].compactMap { $0 }
            let all = own.map { ($0, false) } + Self.laid(group, current).map { ($0, true) }
            guard found.isNarrowed else { return all }
            return all.filter { $0.1 || $0.0.model == nil || $0.0.model == found.model }
        }
    }

    private static func laid(
        _ group: GroupConfiguration, _ current: RunningConfiguration.Current
    ) -> [(provider: String, model: String?)] {
        GroupLayout(
            group, of: current.configuration,
            providers: Dictionary(
                current.stack.upstreams.map { ($0.configuration.name, $0.configuration) },
                uniquingKeysWith: { first, _ in first })
        ).places.map { ($0.provider, $0.model) }
    }
}
