extension ConfigurationBuilder {
    /// Shorter keys are guessed: 16 random letters and digits hold 95 bits.
    private static let shortestKey = 16

    mutating func admin(_ node: ConfigurationNode?) -> AdminConfiguration {
        var admin = AdminConfiguration()
        guard let node else { return admin }
        admin.watchesFile = node.bool("watch") ?? false
        admin.open = Set((node.texts("open") ?? []).compactMap { .init(rawValue: $0) })
        if let single = node["key"] { self.add("admin", single, .admin, to: &admin) }
        for element in node["keys"]?.elements ?? [] {
            guard case .mapping = element.content else { continue }
            for name in ["name", "key", "role"] where !element.entries.contains(where: { $0.key == name }) {
                self.faults.error(
                    at: element.position, "this admin key has no '\(name)'",
                    "write { name: ops, key: { env: OPS_KEY }, role: operator }")
            }
            guard element.isEnabled, let name = element.text("name"), let key = element["key"],
                let role = element.text("role").flatMap({ AdminRole(rawValue: $0) })
            else { continue }
            if admin.keys.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two admin keys named '\(name)'",
                    "give each its own name")
            }
            self.add(name, key, role, to: &admin)
        }
        return admin
    }

    private mutating func add(
        _ name: String, _ node: ConfigurationNode, _ role: AdminRole, to admin: inout AdminConfiguration
    ) {
        guard let secret = self.secrets.secret(node, "the admin key '\(name)'", &self.faults) else { return }
        if let other = admin.keys.first(where: { $0.secret == secret }) {
            self.faults.error(
                at: node.position, "the admin keys '\(other.name)' and '\(name)' have the same secret",
                "give each its own")
        }
        if secret.exposed.utf8.count < Self.shortestKey {
            self.faults.warning(
                at: node.position, "the admin key '\(name)' is short enough to be guessed",
                "take at least \(Self.shortestKey) random characters, for example from `openssl rand -hex 32`")
        }
        admin.keys.append(AdminConfiguration.Key(name: name, secret: secret, role: role))
    }

    /// Whoever reaches the admin listener without a key owns the gateway: the first start makes one, if it can be kept.
    mutating func checkAdminExposure(
        _ configuration: inout Configuration, at position: SourcePosition?, storeIsOpen: Bool
    ) {
        guard !configuration.listen.admin.isLoopback, configuration.lacksAdminKey else { return }
        if storeIsOpen, self.isOnDisk, configuration.store.path == nil {
            configuration.store.path = self.secrets.path(StoreConfiguration.defaultFile)
        }
        let place = position.map { ConfigurationFault.Place.file($0) } ?? .option("--admin")
        let remedy = "add admin: { key: { env: NEEDLETAIL_ADMIN_KEY } }, or listen on 127.0.0.1"
        if configuration.store.path == nil {
            self.faults.error(
                at: place,
                "the admin listener would be open to other machines, and there is no admin key and no store to keep one in",
                "\(remedy), or write store: on")
        } else {
            self.faults.warning(
                at: place,
                "other machines reach the admin listener and there is no admin key: the first start makes one and prints it",
                remedy)
        }
    }
}
