import NeedletailCore

extension ConfigurationBuilder {
    /// Reads who a key speaks for and what it opens.
    mutating func grant(_ node: ConfigurationNode) -> KeyGrant {
        var grant = KeyGrant()
        grant.tenant = node.text("tenant")
        grant.team = node.text("team")
        grant.tags = node.texts("tags") ?? []
        grant.clientTags = Self.bounds(node, "client_tags")
        for entry in node["metadata"]?.entries ?? [] { grant.metadata[entry.key] = entry.value.scalar?.text }
        grant.models = Self.bounds(node, "models")
        grant.providers = Self.bounds(node, "providers")
        grant.surfaces = node.texts("surfaces").map { Set($0.compactMap { ClientSurface(rawValue: $0) }) }
        grant.networks = node["networks"].map { self.networks($0) }
        return grant
    }

    /// A list of patterns; `nil` where it bounds nothing.
    private static func bounds(_ node: ConfigurationNode, _ key: String) -> [String]? {
        guard let patterns = node.texts(key), !patterns.contains("*") else { return nil }
        return patterns
    }

    /// Reads networks; what is none is a fault.
    mutating func networks(_ node: ConfigurationNode) -> [ClientNetwork] {
        node.elements.compactMap { element in
            guard let text = element.scalar?.text else { return nil }
            if let network = ClientNetwork(text) { return network }
            self.faults.error(
                at: element.position, "'\(text.prefix(60))' is no network",
                "write for example 10.0.0.0/8 or 2001:db8::/32")
            return nil
        }
    }
}
