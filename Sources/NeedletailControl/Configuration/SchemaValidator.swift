import NeedletailCore

/// Holds a tree against the schema: unknown keys, wrong types, bad values, and what is accepted without effect.
struct SchemaValidator {
    let types: [String]
    var faults: FaultCollector

    init(types: [String], faults: FaultCollector) {
        self.types = types
        self.faults = faults
    }

    /// Checks a section against its keys.
    mutating func section(_ node: ConfigurationNode, _ keys: [SchemaKey], path: String) {
        let where_ = path.isEmpty ? "the configuration" : "'\(path)'"
        guard case .mapping(let entries) = node.content else {
            self.faults.error(
                at: node.position,
                "\(where_) is \(node.kindName)",
                "write a mapping, for example { name: value }"
            )
            return
        }
        for entry in entries {
            let inner = path.isEmpty ? entry.key : "\(path).\(entry.key)"
            guard let key = keys.first(where: { $0.name == entry.key }) else {
                self.unknown(entry, keys.map(\.name), in: where_)
                continue
            }
            self.value(entry.value, key.kind, path: inner, at: entry.position)
            if Self.needsWarning(key.enforcement, entry.value) {
                self.notEnforced("'\(inner)'", at: entry.position)
            }
        }
    }

    private mutating func unknown(
        _ entry: ConfigurationNode.Entry,
        _ known: [String],
        in place: String
    ) {
        let nearest = NearestNames.nearestNames(to: entry.key, among: known, limit: 1)
        let remedy = nearest.first.map { "did you mean '\($0)'?" } ?? "known here: \(known.joined(separator: ", "))"
        self.faults.error(at: entry.position, "\(place) has no key '\(entry.key)'", remedy)
    }

    private static func needsWarning(_ enforcement: Enforcement, _ node: ConfigurationNode) -> Bool {
        switch enforcement {
        case .enforced: return false
        case .accepted: break
        case .acceptedUnlessOff:
            if node.scalar?.text == "false" { return false }
            if let enabled = node["enabled"], enabled.scalar?.text == "false" { return false }
        }
        if case .null = node.content { return false }
        return true
    }

    private mutating func notEnforced(_ what: String, at position: SourcePosition) {
        self.faults.warning(
            at: position,
            "\(what) is accepted, not enforced by this version",
            "remove it, or do not rely on it"
        )
    }

    /// Checks a value against its kind.
    mutating func value(_ node: ConfigurationNode, _ kind: SchemaKind, path: String, at key: SourcePosition) {
        switch (node.content, kind) {
        case (_, .open): break
        case (.null, .section), (.null, .named), (.null, .list), (.null, .listOr): break
        case (.null, _): self.faults.error(at: key, "'\(path)' has no value", kind.example)
        case (.scalar(let scalar), _) where scalar.isBroken: break
        case (_, .section(let keys)): self.section(node, keys, path: path)
        case (.mapping, .scalarOr(_, let keys)): self.section(node, keys, path: path)
        case (_, .scalarOr(let inner, _)): self.value(node, inner, path: path, at: key)
        case (.mapping, .switchOr(let keys)), (.mapping, .listOr(_, let keys)):
            self.section(node, keys, path: path)
        case (.scalar(let scalar), .switchOr) where scalar.isTyped && (scalar.text == "true" || scalar.text == "false"):
            break
        case (.mapping(let entries), .named(let inner)):
            for entry in entries {
                self.value(entry.value, inner, path: "\(path).\(entry.key)", at: entry.position)
                if case .null = entry.value.content {
                    self.faults.error(at: entry.position, "'\(path).\(entry.key)' has no value", inner.example)
                }
            }
        case (.sequence(let elements), .list(let inner)), (.sequence(let elements), .listOr(let inner, _)):
            for (index, element) in elements.enumerated() {
                self.value(element, inner, path: "\(path)[\(index)]", at: element.position)
                if case .null = element.content {
                    self.faults.error(at: element.position, "'\(path)[\(index)]' has no value", inner.example)
                }
            }
        case (.sequence, .oneOrMore(let inner)): self.value(node, .list(inner), path: path, at: key)
        case (_, .oneOrMore(let inner)): self.value(node, inner, path: path, at: key)
        case (.mapping(let entries), .secret), (.mapping(let entries), .header):
            self.secret(node, entries, path: path)
        case (.scalar(let scalar), _): self.scalar(scalar, kind, path: path, at: node.position)
        default: self.faults.error(at: node.position, "'\(path)' is \(node.kindName)", kind.example)
        }
    }

    private mutating func secret(_ node: ConfigurationNode, _ entries: [ConfigurationNode.Entry], path: String) {
        guard entries.count == 1, let entry = entries.first else {
            self.faults.error(
                at: node.position,
                "'\(path)' must name one source",
                "write { env: NAME } or { file: PATH }"
            )
            return
        }
        guard ["env", "file", "vault"].contains(entry.key) else {
            let nearest = NearestNames.nearestNames(to: entry.key, among: ["env", "file", "vault"], limit: 1)
            self.faults.error(
                at: entry.position,
                "a secret has no source '\(entry.key)'",
                nearest.first.map { "did you mean '\($0)'?" } ?? "write { env: NAME } or { file: PATH }"
            )
            return
        }
        if case .scalar(let scalar) = entry.value.content {
            if entry.key == "env", !scalar.isBroken, !VariableExpansion.isName(scalar.text) {
                self.faults.error(
                    at: entry.value.position,
                    "this is no name of an environment variable",
                    "write { env: NAME } with letters, digits and '_'"
                )
            }
        } else {
            self.faults.error(
                at: entry.value.position,
                "'\(path).\(entry.key)' is \(entry.value.kindName)",
                "write { \(entry.key): NAME }"
            )
        }
    }

    private mutating func scalar(
        _ scalar: ConfigurationNode.Scalar,
        _ kind: SchemaKind,
        path: String,
        at position: SourcePosition
    ) {
        guard let problem = ScalarCheck(types: self.types).problem(scalar, kind) else {
            if case .word(let words, let enforced) = kind, words.contains(scalar.text),
                !enforced.contains(scalar.text)
            {
                self.notEnforced("'\(path): \(scalar.text)'", at: position)
            }
            return
        }
        self.faults.error(at: position, "'\(path)' \(problem.problem)", problem.remedy ?? kind.example)
    }
}
