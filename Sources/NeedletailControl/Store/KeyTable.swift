import NIOCore
public import NeedletailCore

/// Keys, written for people and for programs.
public enum KeyTable {
    /// One line for each key.
    public static func lines(_ keys: [StoredKey], now: Int64) -> [String] {
        let width = keys.map(\.name.count).max() ?? 0
        return keys.map { key in
            let state = key.isDisabled ? "disabled" : key.isValid(at: now) ? "valid" : "expired"
            var words = [
                key.name + String(repeating: " ", count: width - key.name.count), key.prefix + "…",
                state + String(repeating: " ", count: 8 - state.count),
            ]
            words += Self.words(key.grant) + Self.words(key.limits)
            if let expires = key.expires, expires > now { words.append("ends in \((expires - now) / 60) min") }
            return words.joined(separator: "  ")
        }
    }

    /// `[{"id", "name", "prefix", "tenant", "team", "models", …, "created", "expires", "disabled"}]`, times in seconds since 1970.
    public static func json(_ keys: [StoredKey]) -> String {
        var json = JSONWriter()
        json.beginArray()
        for key in keys {
            json.beginObject()
            Self.members(key, into: &json)
            json.endObject()
        }
        json.endArray()
        return String(buffer: json.bytes)
    }

    private static func words(_ grant: KeyGrant) -> [String] {
        let lists = [
            ("tags", grant.tags), ("client_tags", grant.clientTags ?? []), ("models", grant.models ?? []),
            ("providers", grant.providers ?? []),
            ("surfaces", grant.surfaces?.map(\.rawValue).sorted() ?? []),
            ("networks", grant.networks?.map(\.description) ?? []),
        ]
        let singles = [("tenant", grant.tenant), ("team", grant.team)]
        return singles.compactMap { name, value in value.map { "\(name) \($0)" } }
            + lists.filter { !$0.1.isEmpty }.map { "\($0.0) \($0.1.joined(separator: ","))" }
    }

    private static func words(_ limits: KeyLimits) -> [String] {
        let counts = [
            ("rpm", limits.rpm), ("rph", limits.rph), ("tpm", limits.tpm), ("burst", limits.burst),
            ("concurrency", limits.concurrency),
        ]
        var words = counts.compactMap { name, count in count.map { "\(name) \($0)" } }
        if let priority = limits.priority { words.insert("priority \(priority.rawValue)", at: 0) }
        if let daily = limits.dailyBudget { words.append("daily_budget \(daily)") }
        if let most = limits.costPerRequest { words.append("cost_per_request \(most)") }
        guard let budget = limits.budget else { return words }
        words.append("budget \(budget.limit) per \(budget.period)")
        switch budget.exhaustion {
        case .downgrade(let group): words.append("then \(group)")
        case .queue(let milliseconds): words.append("then waits \((milliseconds + 999) / 1_000) s")
        case nil: break
        }
        return words
    }

    /// Writes who a key speaks for and what it opens; what bounds nothing is left out.
    static func members(_ grant: KeyGrant, into json: inout JSONWriter) {
        json.member("tenant", grant.tenant)
        json.member("team", grant.team)
        if !grant.tags.isEmpty { json.member("tags", texts: grant.tags) }
        if let tags = grant.clientTags { json.member("client_tags", texts: tags) }
        if !grant.metadata.isEmpty {
            json.member("metadata") { json in
                for (name, value) in grant.metadata.sorted(by: { $0.key < $1.key }) {
                    json.key(name)
                    json.string(value)
                }
            }
        }
        if let models = grant.models { json.member("models", texts: models) }
        if let providers = grant.providers { json.member("providers", texts: providers) }
        if let surfaces = grant.surfaces { json.member("surfaces", texts: surfaces.map(\.rawValue).sorted()) }
        if let networks = grant.networks { json.member("networks", texts: networks.map(\.description)) }
    }

    /// Writes an object's members.
    static func members(_ key: StoredKey, into json: inout JSONWriter) {
        json.member("id", key.id)
        json.member("name", key.name)
        json.member("account", key.account)
        json.member("prefix", key.prefix)
        Self.members(key.grant, into: &json)
        key.limits.write(into: &json)
        json.member("created", Int(key.created))
        json.member("expires", key.expires.map { Int($0) })
        json.member("disabled", key.isDisabled)
    }
}
