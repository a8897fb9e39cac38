import NIOCore
import NeedletailCore

/// The vault's credentials and what is known of them, written for people and for programs; never the credentials themselves.
public enum VaultTable {
    /// One line for each credential.
    public static func lines(_ entries: [VaultEntry], now: Int64, warnAfter: Duration) -> [String] {
        let width = entries.map(\.name.count).max() ?? 0
        return entries.map { entry in
            var words = [
                entry.name + String(repeating: " ", count: width - entry.name.count), "version \(entry.version)",
                "\(entry.age(at: now).components.seconds / 86_400) days old",
                entry.validated.map { "taken \((now - $0) / 86_400) days ago" } ?? "never validated",
            ]
            for other in entry.overlapping {
                words.append("version \(other.version) until \((other.until - now) / 60) min from now")
            }
            if entry.age(at: now) > warnAfter { words.append("ROTATE") }
            return words.joined(separator: "  ")
        }
    }

    /// `[{"name", "version", "created", "age_days", "validated", "overlapping", "rotate", "key_id"}]`.
    public static func json(_ entries: [VaultEntry], now: Int64, warnAfter: Duration) -> String {
        var json = JSONWriter()
        json.beginArray()
        for entry in entries {
            json.beginObject()
            Self.members(entry, now: now, warnAfter: warnAfter, into: &json)
            json.endObject()
        }
        json.endArray()
        return String(buffer: json.bytes)
    }

    /// Writes an object's members.
    static func members(_ entry: VaultEntry, now: Int64, warnAfter: Duration, into json: inout JSONWriter) {
        json.member("name", entry.name)
        json.member("version", entry.version)
        json.member("created", Int(entry.created))
        json.member("age_days", Int(entry.age(at: now).components.seconds / 86_400))
        json.member("validated", entry.validated.map { Int($0) })
        json.member("overlapping", objects: entry.overlapping) { json, other in
            json.member("version", other.version)
            json.member("until", Int(other.until))
        }
        json.member("rotate", entry.age(at: now) > warnAfter)
        json.member("key_id", entry.keyID)
    }

    /// One line for each provider that was asked.
    public static func lines(_ checks: [VaultTool.Check]) -> [String] {
        checks.map { "\($0.name)  \($0.provider)  \($0.verdict)\($0.reason.map { ": \($0)" } ?? "")" }
    }

    /// Writes what providers said.
    static func member(_ checks: [VaultTool.Check], into json: inout JSONWriter) {
        json.member("checks", objects: checks) { json, check in
            json.member("name", check.name)
            json.member("provider", check.provider)
            json.member("verdict", check.verdict)
            json.member("reason", check.reason)
        }
    }
}
