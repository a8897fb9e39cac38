import HTTPTypes
import NeedletailCore
import NeedletailRouting

extension ConfigurationBuilder {
    /// Reads a condition; one that nothing can meet is reported.
    ///
    /// - Parameter name: Of the rule or experiment, for draws of its own.
    mutating func condition(
        _ node: ConfigurationNode?, name: String, _ references: References, _ callers: CallerNames
    ) -> RuleCondition {
        var condition = RuleCondition()
        guard let node, case .mapping = node.content else { return condition }
        condition.models = node.oneOrMore("model").map { ModelGlob($0) }
        for word in node.oneOrMore("operation") {
            condition.operations.formUnion(RuleOperation(rawValue: word)?.operations ?? [])
        }
        for (part, feature) in RuleCondition.features {
            guard let wanted = node.bool(part.rawValue) else { continue }
            if wanted { condition.required.insert(feature) } else { condition.forbidden.insert(feature) }
        }
        condition.isStreaming = node.bool("stream")
        condition.tokens = self.range(node["tokens"]) { $0.int($1) }
        condition.size = self.range(node["size"]) { $0.text($1).flatMap { SizeText.parse($0) } }
        condition.keys = self.callers(node, "key", callers.keys, "client key")
        condition.tenants = self.callers(node, "tenant", callers.tenants, "tenant")
        condition.headers = self.headers(node["headers"])
        condition.time = self.window(node["time"])
        condition.share = self.share(node, name: name)
        self.findContradiction(node, condition)
        return condition
    }

    private mutating func range(
        _ node: ConfigurationNode?, _ value: (ConfigurationNode, String) -> Int?
    ) -> ClosedRange<Int>? {
        guard let node, case .mapping = node.content else { return nil }
        let (low, high) = (value(node, "min") ?? 0, value(node, "max") ?? .max)
        guard low <= high else {
            self.faults.error(
                at: node.position, "no number is both at least \(low) and at most \(high)",
                "write a 'min' that is not above 'max'")
            return nil
        }
        return low...high
    }

    /// Patterns for keys or tenants; one that fits none is reported.
    private mutating func callers(
        _ node: ConfigurationNode, _ key: String, _ known: [String], _ noun: String
    ) -> [ModelGlob] {
        let texts = node.oneOrMore(key)
        for text in texts where !known.contains(where: { ModelGlob(text).matches($0) }) {
            let nearest = NearestNames.nearestNames(to: text, among: known, limit: 1).first
            let example = noun == "tenant" ? "{ name: dev, tenant: crew, key: … }" : "{ name: dev, key: … }"
            self.faults.error(
                at: node[key]?.position ?? node.position, "no \(noun) fits '\(text)', so this never holds",
                nearest.map { "did you mean '\($0)'?" } ?? "add one under 'keys': \(example)")
        }
        return texts.map { ModelGlob($0) }
    }

    // MARK: Headers

    private mutating func headers(_ node: ConfigurationNode?) -> [RuleCondition.Header] {
        var headers: [RuleCondition.Header] = []
        for entry in node?.entries ?? [] {
            guard let name = self.headerName(entry.key, at: entry.position), let value = entry.value.scalar?.text
            else { continue }
            if headers.contains(where: { $0.name == name }) {
                self.faults.error(
                    at: entry.position, "the header '\(entry.key)' is there twice, in other letters", "remove one")
            }
            headers.append(.init(name, ModelGlob(value)))
        }
        return headers
    }

    /// A header that a condition may be about: no credential, whose value would be in the configuration in the clear.
    private mutating func headerName(_ text: String, at position: SourcePosition) -> HTTPField.Name? {
        guard let name = HTTPField.Name(text) else {
            self.faults.error(at: position, "'\(text)' is no name of a header", "write a name such as x-team")
            return nil
        }
        let secrets: Set<String> = [
            "authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "proxy-authorization",
        ]
        guard !secrets.contains(name.canonicalName) else {
            self.faults.error(
                at: position, "the header '\(text)' is a credential", "write a condition on 'key' or 'tenant' instead")
            return nil
        }
        return name
    }

    // MARK: Shares

    private mutating func share(_ node: ConfigurationNode, name: String) -> RuleCondition.Share? {
        guard let percent = node.double("percent") else {
            for key in ["sticky", "seed"] where node[key] != nil && node["percent"] == nil {
                self.faults.error(
                    at: node[key]?.position ?? node.position, "'\(key)' means nothing without 'percent'",
                    "write percent: 10 beside it, or remove it")
            }
            return nil
        }
        if percent == 0 {
            self.faults.error(
                at: node["percent"]?.position ?? node.position,
                "0 percent of all requests is none, so this never holds",
                "write a number above 0, or enabled: false")
        }
        let draw = StickyShare(
            self.sticky(node["sticky"]) ?? .conversation, name: name, seed: UInt64(node.int("seed") ?? 0))
        return RuleCondition.Share(percent / 100, draw)
    }

    /// What stays together; `nil` for the default.
    mutating func sticky(_ node: ConfigurationNode?) -> StickyBasis? {
        guard let node else { return nil }
        switch node.scalar?.text {
        case "key": return .key
        case "conversation": return .conversation
        case "request": return .request
        default: break
        }
        guard case .mapping = node.content else { return nil }
        guard let header = node["header"], let text = header.scalar?.text else {
            if node["header"] == nil {
                self.faults.error(at: node.position, "this 'sticky' names no header", "write { header: x-user-id }")
            }
            return nil
        }
        return self.headerName(text, at: header.position).map { .header($0) }
    }

    // MARK: Times

    private mutating func window(_ node: ConfigurationNode?) -> TimeWindow? {
        guard let node, case .mapping = node.content else { return nil }
        var days: TimeWindow.Days = []
        for (index, element) in (node["days"]?.elements ?? []).enumerated() {
            guard let number = element.scalar.flatMap({ TimeWindow.Days.words.firstIndex(of: $0.text) }) else {
                continue
            }
            if days.contains(.init(number: number)) {
                self.faults.warning(
                    at: element.position, "'\(TimeWindow.Days.words[number])' is there twice",
                    "remove element \(index + 1)")
            }
            days.insert(.init(number: number))
        }
        if let list = node["days"], list.elements.isEmpty {
            self.faults.error(at: list.position, "a window without a day never opens", "write days: [mon, tue]")
        }
        let opening = self.minute(node["from"], 0, allowsEnd: false)
        let closing = self.minute(node["to"], TimeWindow.minutesOfDay, allowsEnd: true)
        guard let opening, let closing, let zone = self.zone(node["zone"]) else { return nil }
        if opening == closing {
            self.faults.error(
                at: node.position, "a window from and to the same minute never opens", "write a later 'to'")
        }
        return TimeWindow(days: days.isEmpty ? .all : days, opening: opening, closing: closing, zone: zone)
    }

    /// Minutes from midnight; `nil` for what is no time of day, which is reported.
    private mutating func minute(_ node: ConfigurationNode?, _ absent: Int, allowsEnd: Bool) -> Int? {
        guard let node else { return absent }
        guard let text = node.scalar?.text else { return nil }
        if let minute = ClockText.minutes(text), minute < TimeWindow.minutesOfDay || allowsEnd { return minute }
        self.faults.error(
            at: node.position, "'\(text)' is no time of day",
            "write hours and minutes in quotes, for example \"08:30\"\(allowsEnd ? ", up to \"24:00\"" : "")")
        return nil
    }

    private mutating func zone(_ node: ConfigurationNode?) -> ZoneOffsets? {
        guard let node else { return .utc }
        guard let text = node.scalar?.text else { return nil }
        if let zone = ZoneResolver.zone(text) { return zone }
        let nearest = NearestNames.nearestNames(to: text, among: ZoneResolver.names, limit: 1).first
        self.faults.error(
            at: node.position, "'\(text)' is no time zone of this machine",
            nearest.map { "did you mean '\($0)'?" }
                ?? "write UTC, an offset such as +02:00, or a name such as Europe/Paris")
        return nil
    }

    // MARK: Contradictions

    private mutating func findContradiction(_ node: ConfigurationNode, _ condition: RuleCondition) {
        guard !condition.operations.isEmpty, condition.operations.isDisjoint(with: [.chat, .countTokens]) else {
            return
        }
        let features = RuleCondition.features.first { condition.required.contains($0.feature) }?.part.rawValue
        guard let part = features, let word = node.oneOrMore("operation").first else { return }
        self.faults.error(
            at: node[part]?.position ?? node.position,
            "'\(part)' is told of chats only, and 'operation: \(word)' leaves them out, so this never holds",
            "remove one of the two")
    }
}
