extension AuditEvent {
    /// The event as JSON: its members in one order, those of ``details`` by name, no white space.
    public var text: String {
        var json = JSONWriter()
        json.beginObject()
        json.member("at", Int(self.wallMilliseconds))
        json.member("actor", self.actor)
        json.member("role", self.role)
        json.member("peer", self.peer)
        json.member("action", self.action)
        json.member("subject", self.subject)
        json.member("outcome", self.outcome.rawValue)
        json.key("details")
        json.beginObject()
        for (name, value) in self.details.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            json.string(value)
        }
        json.endObject()
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }

    /// Reads what ``text`` wrote; `nil` for anything else.
    public init?(text: String) {
        guard let root = try? JSONDocument(JSONText(text).bytes).root, let at = root["at"]?.int,
            let actor = root["actor"]?.string, let action = root["action"]?.string,
            let outcome = root["outcome"]?.string.flatMap({ Outcome(rawValue: $0) })
        else { return nil }
        var details: [String: String] = [:]
        for member in root["details"]?.members.map({ $0 }) ?? [] { details[member.key] = member.value.string }
        self.init(
            wallMilliseconds: Int64(at), actor: actor, role: root["role"]?.string ?? "",
            peer: root["peer"]?.string ?? "", action: action, subject: root["subject"]?.string ?? "", outcome: outcome,
            details: details)
    }
}
