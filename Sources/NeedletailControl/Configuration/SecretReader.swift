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

    /// A path as the configuration means it.
    func path(_ path: String) -> String {
        path.hasPrefix("/") ? path : self.folder + path
    }

    /// The secret, or `nil` when there is none, which is reported unless the schema has done so.
    func secret(_ node: ConfigurationNode, _ what: String, _ faults: inout FaultCollector) -> Secret? {
        if let scalar = node.scalar {
            guard !scalar.text.isEmpty else { return nil }
            if !scalar.isExpanded {
                faults.warning(
                    at: node.position,
                    "\(what) is written out in the file",
                    "write { env: NAME } or { file: PATH } to keep it out of backups and version control"
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
        case "vault":
            faults.error(
                at: position,
                "\(what) is in the vault, which is not available in this version",
                "write { env: NAME } or { file: PATH }"
            )
            return nil
        default: return nil
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
