import NeedletailCore

extension ConfigurationBuilder {
    /// Reads `jwt:`.
    mutating func tokens(_ node: ConfigurationNode?) -> [TokenIssuerConfiguration] {
        var issuers: [TokenIssuerConfiguration] = []
        for element in node?.elements ?? [] {
            guard case .mapping = element.content, element.isEnabled else { continue }
            let missing = ["name", "issuer", "audience"].filter { element[$0] == nil }
            guard missing.isEmpty, let name = element.text("name"), let issuer = element.text("issuer") else {
                for key in missing {
                    self.faults.error(
                        at: element.position, "this issuer has no '\(key)'",
                        "write { name: corp, issuer: https://login.example.com, audience: needletail, clients: {} }")
                }
                continue
            }
            if issuers.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: element["name"]?.position ?? element.position, "there are two issuers named '\(name)'",
                    "give each its own name")
            }
            var made = TokenIssuerConfiguration(name: name, issuer: issuer, audiences: element.oneOrMore("audience"))
            made.keysURL = element.text("jwks_url")
            assign(element.duration("leeway"), to: &made.leeway)
            assign(element.duration("refresh"), to: &made.refresh)
            made.clients = element["clients"].map { self.tokenClients($0) }
            made.administrators = element["admin"].flatMap { self.tokenAdministrators($0) }
            self.checkKeys(made, element)
            if element["clients"] == nil, element["admin"] == nil {
                self.faults.error(
                    at: element.position,
                    "the issuer '\(name)' has neither 'clients' nor 'admin', so its tokens open nothing",
                    "write clients: {} for the API listener, or admin: { claim: roles, roles: { WORD: operator } }")
            }
            issuers.append(made)
        }
        return issuers
    }

    private mutating func tokenClients(_ node: ConfigurationNode) -> TokenIssuerConfiguration.Clients {
        var clients = TokenIssuerConfiguration.Clients()
        let claims = node["claims"]
        assign(claims?.text("name"), to: &clients.name)
        clients.tenant = claims?.text("tenant")
        clients.team = claims?.text("team")
        clients.tags = claims?.text("tags")
        clients.models = claims?.text("models")
        clients.grant = self.grant(node)
        return clients
    }

    private mutating func tokenAdministrators(
        _ node: ConfigurationNode
    ) -> TokenIssuerConfiguration.Administrators? {
        guard let claim = node.text("claim"), let roles = node["roles"], !roles.entries.isEmpty else {
            self.faults.error(
                at: node.position, "this names no claim, or no role",
                "write { claim: roles, roles: { WORD: operator } }")
            return nil
        }
        let known = roles.entries.compactMap { entry in
            entry.value.scalar.flatMap { AdminRole(rawValue: $0.text) }.map { (entry.key, $0) }
        }
        return .init(claim: claim, roles: Dictionary(known, uniquingKeysWith: { first, _ in first }))
    }

    /// Whoever can put other keys in the place of the issuer's can make any token.
    private mutating func checkKeys(_ issuer: TokenIssuerConfiguration, _ node: ConfigurationNode) {
        let key = issuer.keysURL == nil ? "issuer" : "jwks_url"
        guard !TokenKeys.isSafe(issuer.keysURL ?? issuer.issuer), let place = node[key] else { return }
        self.faults.error(
            at: place.position,
            "the keys of the issuer '\(issuer.name)' would not come from where nobody can change them",
            key == "issuer"
                ? "write jwks_url: https://…, because the issuer is no https URL"
                : "write a URL that begins with https://")
    }
}
