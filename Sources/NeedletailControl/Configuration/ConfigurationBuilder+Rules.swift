import NeedletailCore
import NeedletailRouting

/// The client keys and tenants that a condition can be about.
struct CallerNames {
    let keys: [String]
    let tenants: [String]

    init(_ keys: [KeyConfiguration]?) {
        self.keys = (keys ?? []).map(\.name)
        self.tenants = (keys ?? []).compactMap(\.tenant)
    }
}

extension ConfigurationBuilder {
    // MARK: Rules

    mutating func routes(
        _ node: ConfigurationNode?, _ references: References, _ callers: CallerNames
    ) -> [RouteConfiguration] {
        var routes: [RouteConfiguration] = []
        for (index, element) in (node?.elements ?? []).enumerated() {
            guard case .mapping = element.content else { continue }
            guard let to = element["to"] else {
                self.faults.error(at: element.position, "this route has no 'to'", "write { when: { … }, to: group }")
                continue
            }
            let name = element.text("name") ?? "rule-\(index + 1)"
            if routes.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two routes named '\(name)'",
                    "give each its own name")
            }
            let condition = self.condition(element["when"], name: name, references, callers)
            guard let destination = self.destination(to, references) else { continue }
            var route = RouteConfiguration(name: name, condition: condition, destination: destination)
            route.isEnabled = element.isEnabled
            route.shadow = self.shadow(element["shadow"], references)
            route.position = element.position
            if route.isEnabled { self.findDisabled(destination, to, references) }
            routes.append(route)
        }
        self.findUnreachable(
            routes.filter(\.isEnabled).map { ("route", $0.name, $0.condition, $0.position) })
        return routes
    }

    /// Reports what an earlier one leaves nothing to.
    private mutating func findUnreachable(
        _ list: [(kind: String, name: String, condition: RuleCondition, position: SourcePosition?)]
    ) {
        for (index, later) in list.enumerated() {
            guard let position = later.position,
                let earlier = list[..<index].first(where: { $0.condition.covers(later.condition) })
            else { continue }
            let place = earlier.position.map { " in line \($0.line)" } ?? ""
            self.faults.error(
                at: position,
                "this \(later.kind) is never reached: whatever fits it fits '\(earlier.name)'\(place) before it",
                "put it before that one, or remove it")
        }
    }

    private mutating func findDisabled(
        _ destination: TargetConfiguration.Destination, _ node: ConfigurationNode, _ references: References
    ) {
        let off: String
        switch destination {
        case .provider(let name, _) where references.disabled.contains(name): off = "provider '\(name)'"
        case .group(let name) where references.disabledGroups.contains(name): off = "group '\(name)'"
        default: return
        }
        self.faults.error(
            at: node.position, "the \(off) is switched off, so these requests would go nowhere",
            "switch it on, or write enabled: false here too")
    }

    // MARK: Experiments

    mutating func experiments(
        _ node: ConfigurationNode?, _ references: References, _ callers: CallerNames
    ) -> [ExperimentConfiguration] {
        var experiments: [ExperimentConfiguration] = []
        for entry in node?.entries ?? [] {
            guard case .mapping = entry.value.content else { continue }
            let draw = StickyShare(
                self.sticky(entry.value["sticky"]) ?? .key, name: "experiment:" + entry.key,
                seed: UInt64(entry.value.int("seed") ?? 0))
            var experiment = ExperimentConfiguration(name: entry.key, draw: draw)
            experiment.isEnabled = entry.value.isEnabled
            experiment.position = entry.position
            if entry.value["when"].map({ $0.entries.isEmpty }) ?? true {
                self.faults.error(
                    at: entry.position, "the experiment '\(entry.key)' has no 'when', so every request would take part",
                    "write when: { model: NAME }")
            }
            experiment.condition = self.condition(
                entry.value["when"], name: "experiment:" + entry.key, references, callers)
            experiment.arms = self.arms(entry.value["arms"], of: entry.key, isEnabled: experiment.isEnabled, references)
            self.checkArms(experiment, entry)
            experiments.append(experiment)
        }
        self.findUnreachable(
            experiments.filter(\.isEnabled).map { ("experiment", $0.name, $0.condition, $0.position) })
        return experiments
    }

    private mutating func arms(
        _ node: ConfigurationNode?, of experiment: String, isEnabled: Bool, _ references: References
    ) -> [ExperimentConfiguration.Arm] {
        var arms: [ExperimentConfiguration.Arm] = []
        for element in node?.elements ?? [] {
            guard case .mapping = element.content else { continue }
            guard let to = element["to"] else {
                self.faults.error(at: element.position, "this arm has no 'to'", "write { to: provider/model }")
                continue
            }
            guard let destination = self.destination(to, references) else { continue }
            if isEnabled { self.findDisabled(destination, to, references) }
            let name = element.text("name") ?? to.scalar?.text ?? ""
            if arms.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element.position, "the experiment '\(experiment)' has two arms named '\(name)'",
                    "give each a 'name' of its own")
            }
            arms.append(.init(name: name, destination: destination, weight: element.double("weight") ?? 1))
        }
        return arms
    }

    private mutating func checkArms(_ experiment: ExperimentConfiguration, _ entry: ConfigurationNode.Entry) {
        let count = entry.value["arms"]?.elements.count ?? 0
        if count < 2 {
            self.faults.error(
                at: entry.value["arms"]?.position ?? entry.position,
                "the experiment '\(experiment.name)' has \(count == 0 ? "no arms" : "one arm"), and compares nothing",
                "write arms: [ { to: provider/model }, { to: provider/model } ]")
        } else if experiment.arms.count == count, experiment.arms.allSatisfy({ $0.weight == 0 }) {
            self.faults.error(
                at: entry.value["arms"]?.position ?? entry.position,
                "the weights of the experiment '\(experiment.name)' sum to nothing", "give an arm a weight above 0")
        }
    }

    // MARK: Tiers and shadows

    mutating func tiers(_ node: ConfigurationNode?, _ references: References) -> TiersConfiguration? {
        guard let node, case .mapping = node.content else { return nil }
        var tiers = TiersConfiguration()
        for tier in TierRouter.Tier.allCases {
            let targets = self.targets(node[tier.rawValue], references)
            if !targets.isEmpty { tiers.targets[tier] = targets }
        }
        if let thresholds = node["thresholds"] {
            assign(thresholds.double("medium"), to: &tiers.thresholds.medium)
            assign(thresholds.double("complex"), to: &tiers.thresholds.complex)
            if tiers.thresholds.medium > tiers.thresholds.complex {
                self.faults.error(
                    at: thresholds.position,
                    "'medium' begins at \(tiers.thresholds.medium), above 'complex' at \(tiers.thresholds.complex)",
                    "write a 'medium' that is not above 'complex'")
            }
        }
        if let weights = node["weights"] {
            assign(weights.double("tokens"), to: &tiers.weights.tokens)
            assign(weights.double("turns"), to: &tiers.weights.turns)
            assign(weights.double("tools"), to: &tiers.weights.tools)
            assign(weights.double("code"), to: &tiers.weights.code)
            assign(weights.double("schema"), to: &tiers.weights.schema)
            assign(weights.double("reasoning"), to: &tiers.weights.reasoning)
            if tiers.weights.sum == 0 {
                self.faults.error(at: weights.position, "the weights sum to nothing", "give a part a weight above 0")
            }
        }
        return tiers
    }

    /// A group with tiers is not a list of targets, so that it can be nobody's.
    mutating func findNestedTiers(_ groups: [GroupConfiguration]) {
        let tiered = Set(groups.filter { $0.tiers != nil }.map(\.name))
        for target in groups.flatMap(\.everyTarget) {
            guard case .group(let name) = target.destination, tiered.contains(name), let position = target.position
            else { continue }
            self.faults.error(
                at: position, "the group '\(name)' has tiers, and so cannot be a target of another",
                "let clients, rules or experiments ask for it, or name a tier's own targets")
        }
    }

    mutating func shadow(_ node: ConfigurationNode?, _ references: References) -> ShadowConfiguration? {
        guard let node, case .mapping = node.content else { return nil }
        guard let to = node["to"] else {
            self.faults.error(at: node.position, "this shadow has no 'to'", "write { to: provider/model, percent: 5 }")
            return nil
        }
        guard let destination = self.destination(to, references), node.isEnabled else { return nil }
        guard let percent = node.double("percent") else {
            if node["percent"] == nil {
                self.faults.error(
                    at: node.position, "this shadow has no 'percent'", "write { to: provider/model, percent: 5 }")
            }
            return nil
        }
        if percent == 0 {
            self.faults.error(
                at: node["percent"]?.position ?? node.position, "a shadow of 0 percent copies nothing",
                "write a number above 0, or enabled: false")
        }
        self.findDisabled(destination, to, references)
        var settings = ShadowTraffic.Settings(fraction: percent / 100, perMinute: node.int("budget"))
        assign(node.int("concurrency"), to: &settings.concurrency)
        return ShadowConfiguration(destination: destination, settings: settings)
    }
}
