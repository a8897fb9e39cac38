/// Where a configuration asks for the vault's secrets.
struct VaultReferences {
    /// Every name that is asked for, anywhere.
    let names: Set<String>
    /// The providers that use a name as their key.
    private let providers: [String: [String]]

    init(_ root: ConfigurationNode) {
        var names: Set<String> = []
        Self.collect(root, &names)
        self.names = names
        var providers: [String: [String]] = [:]
        for entry in root["providers"]?.entries ?? [] {
            let several = (entry.value["api_keys"]?.elements ?? []).compactMap { $0["key"] }
            for node in [entry.value["api_key"]].compactMap({ $0 }) + several {
                if let name = Self.name(node) { providers[name, default: []].append(entry.key) }
            }
        }
        self.providers = providers
    }

    /// The providers that use a name as their key.
    func providers(using name: String) -> [String] { self.providers[name] ?? [] }

    private static func name(_ node: ConfigurationNode) -> String? {
        guard node.entries.count == 1, let entry = node.entries.first, entry.key == "vault" else { return nil }
        return entry.value.scalar?.text
    }

    private static func collect(_ node: ConfigurationNode, _ names: inout Set<String>) {
        if let name = Self.name(node) { names.insert(name) }
        for entry in node.entries { Self.collect(entry.value, &names) }
        for element in node.elements { Self.collect(element, &names) }
    }
}
