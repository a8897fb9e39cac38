extension ConfigurationBuilder {
    /// Reads `vault:`, and lets secrets be looked for there.
    mutating func openVault(_ root: ConfigurationNode) -> VaultConfiguration {
        let node = root["vault"]
        for name in ["master_key", "previous_key"] {
            guard let source = node?[name], case .mapping(let entries) = source.content else { continue }
            let isOne = entries.count == 1
            let isCommand = source["command"].map { !$0.elements.isEmpty } ?? true
            if !isOne || !isCommand {
                self.faults.error(
                    at: source.position, "'vault.\(name)' must name one source",
                    "write { env: NAME }, { file: PATH } or { command: [PROGRAM, ARGUMENT] }")
            }
        }
        let vault = VaultConfiguration(node) { self.secrets.path($0) }
        self.secrets.vault = VaultReader(
            path: self.storePath(root["store"]), configuration: vault, environment: self.secrets.environment,
            files: self.secrets.files, time: self.time)
        return vault
    }

    /// Where the store is, if there is to be one.
    private func storePath(_ node: ConfigurationNode?) -> String? {
        let usual = self.isOnDisk ? self.secrets.path(StoreConfiguration.defaultFile) : nil
        guard let node else { return usual }
        switch node.scalar?.text {
        case "off", "false": return nil
        case .some: return self.secrets.path(StoreConfiguration.defaultFile)
        case nil: break
        }
        guard let path = node.text("path") else { return self.secrets.path(StoreConfiguration.defaultFile) }
        return path == "off" ? nil : self.secrets.path(path)
    }
}
