import NeedletailCore
import NeedletailRouting

extension ConfigurationBuilder {
    /// The names that a target may have.
    struct References {
        var providers: [String]
        var disabled: Set<String>
        var groups: [String]
        var disabledGroups: Set<String> = []
        /// What each provider's type speaks.
        var dialects: [String: [DialectID]]
        /// Each provider's weight.
        var weights: [String: Double]

        /// Whom `text` means: a group of that name, a provider, or a provider and a model, split at the first slash.
        func resolve(_ text: String) -> TargetConfiguration.Destination? {
            if self.groups.contains(text) { return .group(text) }
            if self.providers.contains(text) { return .provider(text, model: nil) }
            guard let slash = text.firstIndex(of: "/") else { return nil }
            let provider = String(text[..<slash])
            let model = String(text[text.index(after: slash)...])
            guard self.providers.contains(provider), !model.isEmpty else { return nil }
            return .provider(provider, model: model)
        }
    }

    mutating func group(
        _ name: String,
        _ node: ConfigurationNode,
        at position: SourcePosition,
        _ references: References
    ) -> GroupConfiguration {
        var group = GroupConfiguration(name: name, position: position)
        group.isEnabled = node.isEnabled
        group.strategy = node.text("strategy").flatMap { .init(rawValue: $0) } ?? self.defaults.strategy
        group.maxAttempts = node.int("max_attempts") ?? self.defaults.maxAttempts
        group.healthThreshold = node.double("health_threshold") ?? self.defaults.healthThreshold
        group.midStream = node.text("mid_stream").flatMap { .init(rawValue: $0) } ?? .never
        group.contract = Self.contract(node["contract"], group.midStream)
        group.coalesces = node.bool("coalesce") ?? false
        group.targets = self.targets(node["targets"], references)
        self.readFallbacks(node["fallbacks"], &group, references)
        self.readPolicies(node, &group)
        self.balancing(of: &group, node, references)
        group.tiers = self.tiers(node["tiers"], references)
        group.shadow = self.shadow(node["shadow"], references)

        let title = name.isEmpty ? "the default group" : "the group '\(name)'"
        let isPlain = name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        if !isPlain {
            self.faults.error(at: position, "a group's name holds white space", "write a name without")
        }
        if let tiers = node["tiers"] {
            if let targets = node["targets"] {
                self.faults.error(
                    at: targets.position, "\(title) has 'targets' beside its 'tiers', which nobody would ask",
                    "write them into a tier, or under 'fallbacks'")
            }
            if group.tiers?.targets.isEmpty ?? true, self.faults.errors.isEmpty {
                self.faults.error(
                    at: tiers.position, "\(title) has tiers without targets",
                    "write tiers: { simple: [provider/model], complex: [provider/model] }")
            }
        } else if let targets = node["targets"] {
            if case .sequence(let elements) = targets.content, elements.isEmpty {
                self.faults.error(at: targets.position, "\(title) has no target", "write targets: [provider/model]")
            } else if group.targets.isEmpty, group.isEnabled, self.faults.errors.isEmpty {
                self.faults.warning(
                    at: targets.position,
                    "\(title) has no target that is switched on",
                    "switch a provider on"
                )
            }
        } else if case .mapping = node.content {
            self.faults.error(at: position, "\(title) has no 'targets'", "write targets: [provider/model]")
        }
        return group
    }

    private static func contract(
        _ node: ConfigurationNode?, _ midStream: GroupConfiguration.MidStream
    ) -> ReplyContract {
        ReplyContract(
            commitsAtContent: midStream != .never,
            refusesEmpty: node?.text("empty") == "fail",
            refusesInvalidJSON: node?.text("json") == "fail",
            refusesTruncated: node?.text("truncated") == "fail")
    }

    mutating func targets(_ node: ConfigurationNode?, _ references: References) -> [TargetConfiguration] {
        var targets: [TargetConfiguration] = []
        for element in node?.elements ?? [] {
            var reference = element
            if case .mapping = element.content {
                guard let to = element["to"] else {
                    if !element.entries.contains(where: { $0.key == "to" }) {
                        self.faults.error(
                            at: element.position,
                            "this target has no 'to'",
                            "write { to: provider/model }"
                        )
                    }
                    continue
                }
                reference = to
            }
            guard let destination = self.destination(reference, references), element.isEnabled else { continue }
            if case .provider(let name, _) = destination, references.disabled.contains(name) { continue }
            targets.append(
                TargetConfiguration(
                    destination: destination,
                    weight: element.double("weight"),
                    priority: element.int("priority"),
                    api: self.api(element["api"], of: destination, references),
                    position: reference.position
                )
            )
        }
        return targets
    }

    /// The dialect that a target is asked in; one that its provider does not speak is reported.
    private mutating func api(
        _ node: ConfigurationNode?, of destination: TargetConfiguration.Destination, _ references: References
    ) -> DialectID? {
        guard let node, let api = node.scalar.flatMap({ DialectID(rawValue: $0.text) }) else { return nil }
        switch destination {
        case .group(let name):
            self.faults.error(
                at: node.position, "'\(name)' is a group, whose own targets say how they are asked", "remove it")
        case .provider(let name, _):
            guard let spoken = references.dialects[name], !spoken.contains(api) else { return api }
            self.faults.error(
                at: node.position, "the provider '\(name)' does not speak '\(api.rawValue)'",
                "write one of: \(spoken.map(\.rawValue).joined(separator: ", "))")
        }
        return nil
    }

    /// Whom a reference means; a dangling one is reported.
    mutating func destination(
        _ node: ConfigurationNode,
        _ references: References
    ) -> TargetConfiguration.Destination? {
        guard let scalar = node.scalar, !scalar.text.isEmpty else { return nil }
        if let destination = references.resolve(scalar.text) { return destination }
        let names = references.providers + references.groups
        let slash = scalar.text.firstIndex(of: "/")
        let head = slash.map { String(scalar.text[..<$0]) } ?? scalar.text
        if slash != nil, references.providers.contains(head) {
            self.faults.error(at: node.position, "'\(scalar.raw)' names no model", "write \(head)/model, or \(head)")
            return nil
        }
        let tail = slash.map { String(scalar.text[$0...]) } ?? ""
        let nearest = NearestNames.nearestNames(to: head, among: names, limit: 1).first
        let remedy = nearest.map { near in
            scalar.isExpanded
                ? "did you mean '\(near)'?"
                : "did you mean '\(near)\(references.providers.contains(near) ? tail : "")'?"
        }
        self.faults.error(
            at: node.position,
            "'\(scalar.raw)' names no provider and no group",
            remedy ?? (names.isEmpty ? "add it under 'providers'" : "known: \(names.joined(separator: ", "))")
        )
        return nil
    }

    /// Reports every group that can reach itself, once per cycle.
    mutating func findCycles(_ groups: [GroupConfiguration]) {
        var edges: [String: [(name: String, position: SourcePosition?)]] = [:]
        for group in groups {
            edges[group.name] = group.everyTarget.compactMap { target in
                if case .group(let name) = target.destination { (name, target.position) } else { nil }
            }
        }
        var finished: Set<String> = []
        for group in groups where !finished.contains(group.name) {
            var path: [String] = [group.name]
            var next: [Int] = [0]
            while let name = path.last, let index = next.last {
                let targets = edges[name] ?? []
                guard index < targets.count else {
                    finished.insert(name)
                    path.removeLast()
                    next.removeLast()
                    continue
                }
                next[next.count - 1] += 1
                let target = targets[index]
                if let start = path.firstIndex(of: target.name) {
                    let cycle = (path[start...] + [target.name]).joined(separator: " -> ")
                    if let position = target.position {
                        self.faults.error(
                            at: position,
                            "the groups go round in a circle: \(cycle)",
                            "remove one of these targets"
                        )
                    }
                } else if !finished.contains(target.name) {
                    path.append(target.name)
                    next.append(0)
                }
            }
        }
    }
}
