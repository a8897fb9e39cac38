import HTTPTypes
import NeedletailCore
import NeedletailRouting

extension ConfigurationBuilder {
    /// Redaction, deny lists and hooks.
    mutating func privacy(_ node: ConfigurationNode?, _ callers: CallerNames) -> PrivacyConfiguration {
        var privacy = PrivacyConfiguration()
        guard let node, case .mapping = node.content else { return privacy }
        if let redact = node["redact"] {
            let policies: [ConfigurationNode] =
                if case .sequence(let elements) = redact.content { elements } else { [redact] }
            privacy.redaction = policies.compactMap { self.redaction($0, callers) }
        }
        for element in node["deny"]?.elements ?? [] {
            guard let list = self.denyList(element, callers) else { continue }
            if privacy.deny.contains(where: { $0.name == list.name }) {
                self.faults.error(
                    at: element.position, "there are two deny lists named '\(list.name)'", "give each its own name")
            }
            privacy.deny.append(list)
        }
        for element in node["hooks"]?.elements ?? [] {
            guard let hook = self.hook(element, callers) else { continue }
            if privacy.hooks.contains(where: { $0.name == hook.name }) {
                self.faults.error(
                    at: element.position, "there are two hooks named '\(hook.name)'", "give each its own name")
            }
            privacy.hooks.append(hook)
        }
        privacy.content = self.content(node["content"], callers)
        return privacy
    }

    private mutating func content(_ node: ConfigurationNode?, _ callers: CallerNames) -> ContentConfiguration? {
        guard let node, node.scalar?.text != "false", node.isEnabled else { return nil }
        var content = ContentConfiguration()
        assign(node.duration("retention"), to: &content.retention)
        assign(node.text("max_size").flatMap { SizeText.parse($0) }, to: &content.maximumSize)
        content.scope = self.scope(node, callers)
        return content
    }

    /// Whose requests; who is not there yet may have a key in the store later, so that it is a warning.
    private mutating func scope(_ node: ConfigurationNode, _ callers: CallerNames) -> GuardScope {
        for (key, known, noun) in [("key", callers.keys, "client key"), ("tenant", callers.tenants, "tenant")] {
            for text in node.oneOrMore(key) where !known.contains(where: { ModelGlob(text).matches($0) }) {
                let nearest = NearestNames.nearestNames(to: text, among: known, limit: 1).first
                self.faults.warning(
                    at: node[key]?.position ?? node.position,
                    "no \(noun) of this file fits '\(text)', so that this holds for stored keys at most",
                    nearest.map { "did you mean '\($0)'?" } ?? "write a name under 'keys'")
            }
        }
        return GuardScope(
            keys: node.oneOrMore("key").map { ModelGlob($0) }, tenants: node.oneOrMore("tenant").map { ModelGlob($0) },
            models: node.oneOrMore("model").map { ModelGlob($0) })
    }

    // MARK: Redaction

    private mutating func redaction(_ node: ConfigurationNode, _ callers: CallerNames) -> RedactionPolicy? {
        guard node.scalar?.text != "false", node.isEnabled else { return nil }
        let common = node.text("action").flatMap { RedactionPolicy.Action(rawValue: $0) } ?? .redact
        var policy = RedactionPolicy(actions: [:])
        for kind in SensitiveKind.allCases {
            policy.actions[kind] =
                switch node.text(kind.name) {
                case nil, "true": common
                case "false": .off
                case let word?: RedactionPolicy.Action(rawValue: word) ?? common
                }
        }
        policy.scope = self.scope(node, callers)
        assign(node.bool("restore"), to: &policy.restores)
        if policy.actions.values.allSatisfy({ $0 == .off }) {
            self.faults.warning(
                at: node.position, "this redaction looks for nothing", "leave a detector on, or write redact: false")
        }
        return policy
    }

    // MARK: Deny lists

    private mutating func denyList(_ node: ConfigurationNode, _ callers: CallerNames) -> DenyList? {
        guard case .mapping = node.content else { return nil }
        guard let name = node.text("name") else {
            self.faults.error(
                at: node.position, "this deny list has no 'name', which a refused client is told",
                "write { name: projects, words: [ … ] }")
            return nil
        }
        guard node.isEnabled else { return nil }
        var words = node.texts("words") ?? []
        for (index, text) in words.enumerated() where !DenyList.isPhrase(text) {
            self.faults.error(
                at: node["words"]?.elements[index].position ?? node.position,
                "there is no word in '\(text.prefix(60))'", "write a word, a phrase, or a glob such as secret*")
        }
        if let path = node.text("file") {
            let full = self.file(path, node["file"])
            let lines = (try? self.secrets.files.read(full, 16 << 20))?.split(whereSeparator: \.isNewline) ?? []
            words += lines.map { String($0) }.filter { !$0.hasPrefix("#") && DenyList.isPhrase($0) }
        }
        if words.isEmpty {
            self.faults.error(
                at: node.position, "the deny list '\(name)' holds no word", "write words: [ … ] or file: PATH")
        }
        return DenyList(
            name: name, words: words, scope: self.scope(node, callers),
            action: node.text("action").flatMap { DenyList.Action(rawValue: $0) } ?? .refuse)
    }

    // MARK: Hooks

    private mutating func hook(_ node: ConfigurationNode, _ callers: CallerNames) -> HookConfiguration? {
        guard case .mapping = node.content else { return nil }
        guard let name = node.text("name"), let url = node.url("url") else {
            if node["name"] == nil || node["url"] == nil {
                self.faults.error(
                    at: node.position, "this hook has no '\(node["name"] == nil ? "name" : "url")'",
                    "write { name: moderation, url: https://HOST/PATH }")
            }
            return nil
        }
        guard node.isEnabled else { return nil }
        var hook = HookConfiguration(name: name, url: url)
        if let secret = node["secret"] {
            hook.secret = self.secrets.secret(secret, "the secret of the hook '\(name)'", &self.faults)
        }
        for entry in node["headers"]?.entries ?? [] {
            guard HTTPField.Name(entry.key) != nil else {
                self.faults.error(
                    at: entry.position, "'\(entry.key)' is no name of a header", "write letters, digits and '-' only")
                continue
            }
            let value =
                entry.value.scalar.map { Secret($0.text) }
                ?? self.secrets.secret(entry.value, "the header '\(entry.key)'", &self.faults)
            if let value { hook.headers.append(.init(name: entry.key, value: value)) }
        }
        let phases = node.oneOrMore("when").compactMap { HookCall.Phase(rawValue: $0) }
        if !phases.isEmpty { hook.phases = Set(phases) }
        assign(node.duration("timeout"), to: &hook.timeout)
        hook.failsOpen = node.text("on_failure") == "allow"
        assign(node.text("max_size").flatMap { SizeText.parse($0) }, to: &hook.maximumSize)
        hook.holdsStreams = node.text("streams") != "pass"
        if !url.isSecure, !["127.0.0.1", "localhost", "::1"].contains(url.host) {
            self.faults.warning(
                at: node["url"]?.position ?? node.position, "prompts go to the hook '\(name)' unencrypted",
                "write an https URL")
        }
        hook.scope = self.scope(node, callers)
        return hook
    }
}
