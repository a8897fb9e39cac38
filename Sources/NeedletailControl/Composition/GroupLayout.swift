import NeedletailCore
import NeedletailRouting

/// How the targets of a group stand in one list, those of groups inside it in their place, and who chooses among them.
///
/// One list, so that one loop counts all attempts of a request. The weights of an inner group's targets are scaled so
/// that they sum to the group's own, and their priorities count within the group's.
struct GroupLayout {
    /// One target.
    struct Place {
        var provider: String
        var model: String?
        var target: TargetConfiguration
        var weight: Double
        var priority: Int
        /// Priority and number in the list, of each group from the outermost in.
        fileprivate var order: [Int]
    }

    /// The targets, in the order of the file.
    let places: [Place]
    /// Who chooses among them.
    let balancer: any Balancer
    /// Those of the balancers that learn, by the names of the groups that lead to them.
    let learned: [(path: [String], balancer: LearnedBalancer)]

    /// Lays a group out. Targets whose provider is not there, and groups that are switched off, are left out.
    init(_ group: GroupConfiguration, of configuration: Configuration, providers: [String: ProviderConfiguration]) {
        let plan = Plan(configuration: configuration, providers: providers)
        var learned: [(path: [String], balancer: LearnedBalancer)] = []
        var (places, balancer, isNested) = plan.lay(group, path: [group.name], offset: 0, &learned)
        self.learned = learned
        if isNested {
            let ranked = places.indices.sorted { places[$0].order.lexicographicallyPrecedes(places[$1].order) }
            for (rank, index) in ranked.enumerated() { places[index].priority = rank }
        }
        if let rule = group.affinity { balancer = AffinityBalancer(balancer, rule: rule) }
        self.places = places
        self.balancer = group.guarded(balancer, count: places.count)
    }

    private struct Plan {
        let configuration: Configuration
        let providers: [String: ProviderConfiguration]

        /// - Parameter offset: How many targets stand before the group's.
        func lay(
            _ group: GroupConfiguration, path: [String], offset: Int,
            _ learned: inout [(path: [String], balancer: LearnedBalancer)]
        ) -> (places: [Place], balancer: any Balancer, isNested: Bool) {
            var places: [Place] = []
            var members: [NestedBalancer.Member] = []
            let isNested = group.targets.contains { if case .group = $0.destination { true } else { false } }
            // Turns are counted by target; where members are groups, each member's turn is a share.
            let inTurn = isNested && group.strategy == .roundRobin
            for (number, target) in group.targets.enumerated() {
                switch target.destination {
                case .provider(let name, let model):
                    guard let provider = self.providers[name] else { continue }
                    let priority = target.priority ?? provider.priority
                    places.append(
                        Place(
                            provider: name, model: model, target: target,
                            weight: inTurn ? 1 : target.weight ?? provider.weight, priority: priority,
                            order: [priority, number]))
                case .group(let name):
                    guard !path.contains(name), let inner = self.configuration.group(name), inner.isEnabled else {
                        continue
                    }
                    let start = offset + places.count
                    let laid = self.lay(inner, path: path + [name], offset: start, &learned)
                    let sum = laid.places.reduce(0) { $0 + $1.weight }
                    let share = inTurn ? 1 : target.weight ?? 1
                    for place in laid.places {
                        var place = place
                        place.weight = sum > 0 ? share * place.weight / sum : share / Double(laid.places.count)
                        place.order = [target.priority ?? 1, number] + place.order
                        places.append(place)
                    }
                    var targets = TargetSet()
                    for index in start..<start + laid.places.count { targets.insert(index) }
                    let guarded = inner.guarded(laid.balancer, count: laid.places.count)
                    members.append(NestedBalancer.Member(targets: targets, balancer: guarded))
                }
            }
            let balancer: any Balancer = inTurn ? .weighted : group.balancer
            if let learning = balancer as? LearnedBalancer { learned.append((path, learning)) }
            return (places, members.isEmpty ? balancer : NestedBalancer(balancer, members: members), isNested)
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

    /// A balancer with health and slow start around it, where there is anything to choose.
    fileprivate func guarded(_ balancer: any Balancer, count: Int) -> any Balancer {
        guard count > 1 else { return balancer }
        var guarded = balancer
        if self.slowStart > .zero { guarded = SlowStartBalancer(guarded, window: self.slowStart) }
        if let threshold = self.healthThreshold, threshold > 0 {
            guarded = HealthBalancer(guarded, threshold: threshold)
        }
        return guarded
    }
}
