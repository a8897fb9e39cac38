public import NeedletailCore
import NeedletailGateway

/// Audit records, written for people and for programs.
public enum AuditTable {
    /// One line for a record.
    public static func line(_ record: AuditRecord) -> String {
        guard let event = record.event else { return "\(record.sequence)  (cannot be read)" }
        var words = [
            "\(record.sequence)", HTTPDate.internetText(event.wallMilliseconds / 1_000), event.outcome.rawValue,
            event.actor.isEmpty ? "-" : event.actor, event.action,
        ]
        if !event.subject.isEmpty { words.append(event.subject) }
        if !event.peer.isEmpty { words.append("from \(event.peer)") }
        words += event.details.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return words.joined(separator: "  ")
    }

    /// One line of JSON for a record, with the chain's hashes.
    public static func json(_ record: AuditRecord) -> String {
        var json = JSONWriter()
        json.beginObject()
        Self.members(record, into: &json)
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }

    /// Writes an object's members; `event` is what is hashed, to the letter.
    static func members(_ record: AuditRecord, into json: inout JSONWriter) {
        json.member("sequence", Int(record.sequence))
        if let text = try? JSONText(record.text) {
            json.member("event", text)
        } else {
            // Somebody has spoilt it; what is there is shown.
            json.member("event_text", record.text)
        }
        json.member("previous", record.previous)
        json.member("hash", record.hash)
    }
}
