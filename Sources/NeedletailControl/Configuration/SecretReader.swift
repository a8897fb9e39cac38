import NeedletailCore

/// Fetches secrets from where the configuration says they are.
struct SecretReader {
    /// No key is longer.
    private static let sizeLimit = 64 << 10

    let environment: [String: String]
    let files: ConfigurationFiles
    /// The configuration's folder with its final slash; relative paths start there.
    let folder: String
    /// What stands for a secret that is not there; `nil` makes it a fault.
    var substitute: String?
    /// Where `{ vault: NAME }` is looked for; `nil` for nowhere.
    var vault: VaultReader?

    /// A path as the configuration means it.
    func path(_ path: String) -> String {
        path.hasPrefix("/") ? path : self.folder + path
    }

    /// The secret and, where it was rotated not long ago, the ones before it; empty where there is none, which is reported.
    func secrets(_ node: ConfigurationNode, _ what: String, _ faults: inout FaultCollector) -> [Secret] {
        if node.entries.count == 1, let entry = node.entries.first, entry.key == "vault",
            let name = entry.value.scalar?.text
        {
            return self.fromVault(name, what, entry.value.position, &faults)
        }
        return self.secret(node, what, &faults).map { [$0] } ?? []
    }

    /// The secret, or `nil` when there is none, which is reported unless the schema has done so.
    func secret(_ node: ConfigurationNode, _ what: String, _ faults: inout FaultCollector) -> Secret? {
        if let scalar = node.scalar {
            guard !scalar.text.isEmpty else { return nil }
            if !scalar.isExpanded {
                faults.warning(
                    at: node.position,
                    "\(what) is written out in the file",
                    "write { env: NAME }, { file: PATH } or { vault: NAME } to keep it out of backups and version control"
                )
            }
            return Secret(scalar.text)
        }
        guard node.entries.count == 1, let entry = node.entries.first, let name = entry.value.scalar?.text
        else { return nil }
        let position = entry.value.position
        switch entry.key {
        case "env": return self.fromEnvironment(name, what, position, &faults)
        case "file": return self.fromFile(name, what, position, &faults)
        case "vault": return self.fromVault(name, what, position, &faults).first
        default: return nil
        }
    }

    private func fromVault(
        _ name: String, _ what: String, _ position: SourcePosition, _ faults: inout FaultCollector
    ) -> [Secret] {
        guard let vault = self.vault else { return self.substitute.map { [Secret($0)] } ?? [] }
        do throws(NeedletailError) {
            let values = try vault.values(name)
            if let newest = values.first, vault.age(newest) > vault.warnAfter {
                faults.warning(
                    at: position, "\(what) was set \(vault.age(newest).components.seconds / 86_400) days ago",
                    "rotate it: `needletail vault rotate \(name)`")
            }
            return values.map(\.secret)
        } catch {
            if let substitute = self.substitute { return [Secret(substitute)] }
            let reason = error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
            faults.error(
                at: position, "\(what) is in the vault, and cannot be had: \(reason)",
                error.code == .notFound
                    ? "set it: `needletail vault set \(name)`" : "mend that, or write { env: NAME } or { file: PATH }")
            return []
        }
    }

    private func fromEnvironment(
        _ name: String,
        _ what: String,
        _ position: SourcePosition,
        _ faults: inout FaultCollector
    ) -> Secret? {
        guard VariableExpansion.isName(name) else { return nil }
        guard let value = self.environment[name], !value.isEmpty else {
            if let substitute = self.substitute { return Secret(substitute) }
            let state = self.environment[name] == nil ? "not set" : "empty"
            faults.error(
                at: position,
                "the environment variable \(name) for \(what) is \(state)",
                "set it before the start"
            )
            return nil
        }
        return self.checked(value, "the environment variable \(name)", position, &faults)
    }

    private func fromFile(
        _ name: String,
        _ what: String,
        _ position: SourcePosition,
        _ faults: inout FaultCollector
    ) -> Secret? {
        do {
            let text = try self.files.read(self.path(name), Self.sizeLimit)
            var value = text[...]
            while let last = value.last, last.isWhitespace { value.removeLast() }
            guard !value.isEmpty else {
                faults.error(at: position, "the file '\(name)' for \(what) is empty", "put the secret into it")
                return nil
            }
            return self.checked(String(value), "the file '\(name)'", position, &faults)
        } catch {
            if let substitute = self.substitute { return Secret(substitute) }
            faults.error(
                at: position,
                "\(what) cannot be read from '\(name)': \(error.problem)",
                "name a readable file; a relative path starts at this file's folder"
            )
            return nil
        }
    }

    private func checked(
        _ value: String,
        _ source: String,
        _ position: SourcePosition,
        _ faults: inout FaultCollector
    ) -> Secret? {
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            faults.error(
                at: position,
                "\(source) holds a line break or control character",
                "keep only the secret in it"
            )
            return nil
        }
        return Secret(value)
    }
}
