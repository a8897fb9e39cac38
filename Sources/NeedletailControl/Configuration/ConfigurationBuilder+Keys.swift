import NeedletailCore

extension ConfigurationBuilder {
    mutating func keys(_ node: ConfigurationNode) -> [KeyConfiguration] {
        var keys: [KeyConfiguration] = []
        var names: Set<String> = []
        for element in node.elements {
            guard case .mapping = element.content else { continue }
            guard let name = self.required("name", element), let secretNode = self.required("key", element)
            else { continue }
            guard let name = name.scalar?.text, ScalarCheck.isName(name) else { continue }
            if !names.insert(name).inserted {
                self.faults.error(
                    at: element["name"]?.position ?? element.position,
                    "there are two keys named '\(name)'",
                    "give each its own name"
                )
            }
            guard element.isEnabled else { continue }
            guard let secret = self.secrets.secret(secretNode, "the client key '\(name)'", &self.faults)
            else { continue }
            if let other = keys.first(where: { $0.secret == secret }) {
                self.faults.error(
                    at: secretNode.position,
                    "the client keys '\(other.name)' and '\(name)' have the same secret",
                    "give each its own"
                )
            }
            keys.append(self.key(name, secret, element))
        }
        return keys
    }

    private mutating func required(_ name: String, _ element: ConfigurationNode) -> ConfigurationNode? {
        if let node = element[name] { return node }
        if !element.entries.contains(where: { $0.key == name }) {
            self.faults.error(
                at: element.position,
                "this key has no '\(name)'",
                "write { name: dev, key: { env: DEV_KEY } }"
            )
        }
        return nil
    }

    private mutating func key(_ name: String, _ secret: Secret, _ node: ConfigurationNode) -> KeyConfiguration {
        var key = KeyConfiguration(name: name, secret: secret)
        key.grant = self.grant(node)
        key.limits = self.limits(node["limits"])
        assign(node.text("priority").flatMap { RequestPriority(rawValue: $0) }, to: &key.priority)
        if let budget = node["budget"], case .mapping = budget.content {
            if let limit = budget.money("limit") {
                let spent = self.spent(budget, isTotal: budget.text("per") ?? "total" == "total")
                key.budget = .init(
                    limit: limit, period: budget.text("per") ?? "total", warnings: spent.warnings,
                    exhaustion: spent.exhaustion, clamps: spent.clamps)
            } else if budget["limit"] == nil {
                self.faults.error(
                    at: budget.position,
                    "this budget has no 'limit'",
                    "write { limit: 5.00, per: day }"
                )
            }
        }
        return key
    }

    /// The limits of a tenant; one that no key of the file belongs to is reported.
    mutating func tenant(_ entry: ConfigurationNode.Entry, _ keys: [KeyConfiguration]?) -> LimitConfiguration {
        let known = Set((keys ?? []).compactMap(\.tenant))
        if !known.contains(entry.key) {
            let nearest = NearestNames.nearestNames(to: entry.key, among: known.sorted(), limit: 1).first
            self.faults.warning(
                at: entry.position,
                "no key of this file belongs to the tenant '\(entry.key)', so that its limits hold only for keys made at run time",
                nearest.map { "did you mean '\($0)'?" } ?? "write tenant: \(entry.key) at a key")
        }
        return self.limits(entry.value["limits"])
    }
}
