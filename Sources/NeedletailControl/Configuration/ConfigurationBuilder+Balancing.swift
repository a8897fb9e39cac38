import HTTPTypes
import NeedletailCore
import NeedletailRouting

extension ConfigurationBuilder {
    /// Reads how a group chooses, and reports what would have no effect or cannot be.
    mutating func balancing(of group: inout GroupConfiguration, _ node: ConfigurationNode, _ references: References) {
        assign(node.duration("slow_start"), to: &group.slowStart)
        self.readAffinity(of: &group, node)
        if let section = self.section("adaptive", for: .adaptive, of: group, node) {
            var weights = group.adaptive
            assign(section.double("latency"), to: &weights.latency)
            assign(section.double("errors"), to: &weights.errors)
            assign(section.double("cost"), to: &weights.cost)
            assign(section.double("load"), to: &weights.load)
            assign(section.double("headroom"), to: &weights.headroom)
            self.checkSum(
                [weights.latency, weights.errors, weights.cost, weights.load, weights.headroom], section, "adaptive")
            group.adaptive = weights
        }
        if let section = self.section("learned", for: .learned, of: group, node) {
            assign(section.double("success"), to: &group.learned.success)
            assign(section.double("latency"), to: &group.learned.latency)
            assign(section.double("cost"), to: &group.learned.cost)
            assign(section.double("floor"), to: &group.learned.floor)
            self.checkSum([group.learned.success, group.learned.latency, group.learned.cost], section, "learned")
        }
        self.checkWeights(of: group, node, references)
    }

    private mutating func readAffinity(of group: inout GroupConfiguration, _ node: ConfigurationNode) {
        if let sticky = node["sticky"] {
            if let header = sticky["header"] {
                if let text = header.scalar?.text, let name = HTTPField.Name(text) {
                    group.affinity = .header(name)
                } else {
                    self.faults.error(
                        at: header.position, "this is no header's name", "write a name, for example x-session-id")
                }
            } else if sticky.scalar != nil {
                group.affinity = .conversation
            } else if case .mapping = sticky.content {
                self.faults.error(
                    at: sticky.position, "'sticky' names no header", "write { header: NAME }, or conversation")
            }
        }
        guard let affinity = node["affinity"], affinity.scalar != nil else { return }
        if node["sticky"] != nil {
            self.faults.error(
                at: affinity.position, "a request cannot follow both 'sticky' and 'affinity'", "remove one of them")
        }
        group.affinity = .promptCache
    }

    /// The section of a strategy; one of another than the group's is reported.
    private mutating func section(
        _ key: String, for strategy: GroupConfiguration.Strategy, of group: GroupConfiguration,
        _ node: ConfigurationNode
    ) -> ConfigurationNode? {
        guard let section = node[key], case .mapping = section.content else { return nil }
        guard group.strategy == strategy else {
            self.faults.error(
                at: section.position, "'\(key)' does nothing with strategy: \(group.strategy.rawValue)",
                "remove it, or write strategy: \(strategy.rawValue)")
            return nil
        }
        return section
    }

    private mutating func checkSum(_ weights: [Double], _ node: ConfigurationNode, _ name: String) {
        guard weights.reduce(0, +) <= 0 else { return }
        self.faults.error(at: node.position, "the weights of '\(name)' sum to nothing", "give one of them more than 0")
    }

    private mutating func checkWeights(
        of group: GroupConfiguration, _ node: ConfigurationNode, _ references: References
    ) {
        guard group.strategy == .weighted, let targets = node["targets"], !group.targets.isEmpty else { return }
        let sum = group.targets.reduce(0.0) { sum, target in
            var usual = 1.0
            if case .provider(let name, _) = target.destination { usual = references.weights[name] ?? 1 }
            return sum + (target.weight ?? usual)
        }
        guard sum <= 0 else { return }
        self.faults.error(
            at: targets.position, "the weights of these targets sum to nothing", "give one of them more than 0")
    }
}
