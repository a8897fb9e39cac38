import NeedletailCore
import NeedletailRouting

/// Builds what stands before the names from the configuration.
struct RulesBuilder {
    let groups: Groups
    let configuration: Configuration
    let time: TimeSource
    /// What stood there before: experiments go on counting.
    var previous: RoutingRules?
    /// What a reply cost; `nil` if nobody knows prices.
    var pricing: ExperimentArm.Pricing?

    func rules() throws(NeedletailError) -> RoutingRules {
        var rules: [RoutingRule] = []
        for route in self.configuration.routes where route.isEnabled {
            let shadow = try route.shadow.flatMap { configuration throws(NeedletailError) in
                try self.groups.traffic.shadow(configuration, named: route.name, self.groups)
            }
            rules.append(
                RoutingRule(
                    name: route.name, condition: route.condition, destination: self.destination(route.destination),
                    shadow: shadow))
        }
        let experiments = self.configuration.experiments.filter(\.isEnabled).map { experiment in
            let old = self.previous?.experiments.first { $0.name == experiment.name }
            return Experiment(
                experiment.name, condition: experiment.condition,
                arms: experiment.arms.map { arm in
                    let destination = self.destination(arm.destination)
                    return ExperimentArm(
                        arm.name, destination: destination, weight: arm.weight, pricing: self.pricing,
                        previous: old?.arms.first {
                            $0.name == arm.name && $0.destination.place == destination.place
                        })
                },
                draw: experiment.draw)
        }
        return RoutingRules(experiments: experiments, rules: rules, time: self.time)
    }

    private func destination(_ destination: TargetConfiguration.Destination) -> RoutingDestination {
        let place: RoutingDestination.Place =
            switch destination {
            case .group(let name): .group(name)
            case .provider(let name, let model): .provider(name, model: model)
            }
        return RoutingDestination(place, providers: self.providers(of: destination))
    }

    /// Everybody who may be asked there. The groups are no circle, which the configuration has been checked for.
    private func providers(of destination: TargetConfiguration.Destination) -> Set<ProviderID> {
        switch destination {
        case .provider(let name, _): [ProviderID(name)]
        case .group(let name):
            (self.configuration.group(name)?.everyTarget ?? []).reduce(into: []) {
                $0.formUnion(self.providers(of: $1.destination))
            }
        }
    }
}
