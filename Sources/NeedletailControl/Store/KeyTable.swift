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
            if let tenant = key.tenant { words.append("tenant \(tenant)") }
            if let models = key.models { words.append("models \(models.joined(separator: ","))") }
            if let expires = key.expires, expires > now { words.append("ends in \((expires - now) / 60) min") }
            return words.joined(separator: "  ")
        }
    }

    /// `[{"id", "name", "prefix", "tenant", "models", "created", "expires", "disabled"}]`, times in seconds since 1970.
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

    /// Writes an object's members.
    static func members(_ key: StoredKey, into json: inout JSONWriter) {
        json.member("id", key.id)
        json.member("name", key.name)
        json.member("prefix", key.prefix)
        json.member("tenant", key.tenant)
        if let models = key.models {
            json.key("models")
            json.beginArray()
            for model in models { json.string(model) }
            json.endArray()
        }
        json.member("created", Int(key.created))
        json.member("expires", key.expires.map { Int($0) })
        json.member("disabled", key.isDisabled)
    }
}
