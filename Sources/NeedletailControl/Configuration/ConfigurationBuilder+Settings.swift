import NeedletailCore
import NeedletailProviders

extension ConfigurationBuilder {
    /// What a type needs beside base URL and key: names that it does not know are faults, and so are values that lack.
    mutating func readSettings(
        _ node: ConfigurationNode,
        _ type: ProviderType,
        _ provider: inout ProviderConfiguration,
        at position: SourcePosition
    ) {
        for entry in node["settings"]?.entries ?? [] {
            guard let setting = type.settings.first(where: { $0.name == entry.key }) else {
                self.unknown(entry, type)
                continue
            }
            guard provider.isEnabled else { continue }
            if let value = self.value(entry.value, setting) { provider.settings[setting.name] = value }
        }
        guard provider.isEnabled else { return }
        // What is there and wrong has been said.
        let there = Set((node["settings"]?.entries ?? []).map(\.key)).union(provider.settings.keys)
        for setting in type.settings
        where setting.isRequired && setting.fallback == nil && !there.contains(setting.name)
            && !(setting.impliedBy.map(there.contains) ?? false)
        {
            let example = setting.variables.first.map { ", or set \($0)" } ?? ""
            self.faults.error(
                at: position,
                "the provider '\(provider.name)' of type '\(type.name)' has no setting '\(setting.name)'",
                "write settings: { \(setting.name): … }\(example)"
            )
        }
    }

    private mutating func unknown(_ entry: ConfigurationNode.Entry, _ type: ProviderType) {
        let names = type.settings.map(\.name)
        let nearest = NearestNames.nearestNames(to: entry.key, among: names, limit: 1).first
        let known = names.isEmpty ? "it has none" : "known here: \(names.joined(separator: ", "))"
        self.faults.error(
            at: entry.position,
            "the type '\(type.name)' has no setting '\(entry.key)'",
            nearest.map { "did you mean '\($0)'?" } ?? known
        )
    }

    private mutating func value(_ node: ConfigurationNode, _ setting: ProviderSetting) -> Secret? {
        let isLiteral = node.scalar != nil
        switch setting.kind {
        case .text where isLiteral: return node.scalar.map { Secret($0.text) }
        case .file where isLiteral: return node.scalar.map { Secret(self.file($0.text, node)) }
        case .text, .secret, .file: return self.secrets.secret(node, "the setting '\(setting.name)'", &self.faults)
        }
    }
}
