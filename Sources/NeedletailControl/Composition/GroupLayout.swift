import NeedletailCore
import NeedletailRouting

/// The targets of a configured group, those of groups inside it in their place, and who chooses among them.
struct GroupLayout {
    /// One target.
    struct Place {
        var provider: String
        var model: String?
        var target: TargetConfiguration
        var weight: Double
        var priority: Int
    }

    private struct Entry: Sendable {
        var provider: String
        var model: String?
        var target: TargetConfiguration
    }

    /// The targets, in the order of the file.
    let places: [Place]
    /// Who chooses among them.
    let balancer: any Balancer
    /// Those of the balancers that learn, by the names of the groups that lead to them.
    let learned: [(path: [String], balancer: LearnedBalancer)]

    /// Lays a group out. Targets whose provider is not there, and groups that are switched off, are left out.
    init(_ group: GroupConfiguration, of configuration: Configuration, providers: [String: ProviderConfiguration]) {
        var learned: [(path: [String], balancer: LearnedBalancer)] = []
        let plan = Plan(configuration: configuration, providers: providers)
        let layout = NestedLayout(plan.group(group, path: [group.name], &learned))
        self.learned = learned
        self.places = layout.places.map { place in
            Place(
                provider: place.entry.provider, model: place.entry.model, target: place.entry.target,
                weight: place.weight, priority: place.priority)
        }
        self.balancer = layout.balancer
    }

    private struct Plan {
        let configuration: Configuration
        let providers: [String: ProviderConfiguration]

        func group(
            _ group: GroupConfiguration, path: [String],
            _ learned: inout [(path: [String], balancer: LearnedBalancer)]
        ) -> NestedLayout<Entry>.Group {
            var plan = NestedLayout<Entry>.Group(
                balancer: group.balancer,
                isNested: group.targets.contains { if case .group = $0.destination { true } else { false } },
                takesTurns: group.strategy == .roundRobin, affinity: group.affinity, slowStart: group.slowStart,
                healthThreshold: group.healthThreshold)
            for target in group.targets {
                switch target.destination {
                case .provider(let name, let model):
                    guard let provider = self.providers[name] else { continue }
                    plan.members.append(
                        .target(
                            Entry(provider: name, model: model, target: target),
                            weight: target.weight ?? provider.weight, priority: target.priority ?? provider.priority))
                case .group(let name):
                    guard !path.contains(name), let inner = self.configuration.group(name), inner.isEnabled else {
                        continue
                    }
                    plan.members.append(
                        .group(
                            self.group(inner, path: path + [name], &learned), weight: target.weight ?? 1,
                            priority: target.priority ?? 1))
                }
            }
            if let learning = plan.balancer as? LearnedBalancer { learned.append((path, learning)) }
            return plan
        }
    }
}

extension GroupConfiguration {
    /// What the strategy is called in the code.
    fileprivate var balancer: any Balancer {
        switch self.strategy {
        case .priority: .priority
        case .roundRobin: .roundRobin
        case .weighted: .weighted
        case .leastLoaded: .leastLoaded
        case .fastestFirst: .fastestFirst
        case .latencyWeighted: .latencyWeighted
        case .loadBalanced: .loadBalanced
        case .costOptimal: .costOptimal
        case .adaptive: AdaptiveBalancer(self.adaptive)
        case .learned:
            LearnedBalancer(
                success: self.learned.success, latency: self.learned.latency, cost: self.learned.cost,
                floor: self.learned.floor)
        }
    }
}
