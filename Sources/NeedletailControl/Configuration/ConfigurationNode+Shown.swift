import NIOCore
import NeedletailCore

extension ConfigurationNode {
    /// What stands for a secret that is written out.
    static let hidden = "***"

    /// The tree as JSON for people: as written, variables not expanded, and no secret that is written out.
    ///
    /// - Parameter kind: What the schema says of it.
    func shown(as kind: SchemaKind) -> JSONText {
        var json = JSONWriter()
        self.show(kind, into: &json)
        return JSONText(unchecked: json.bytes)
    }

    private func show(_ kind: SchemaKind, into json: inout JSONWriter) {
        switch (self.content, kind) {
        case (.null, _): json.null()
        case (.scalar, .secret), (.scalar, .header): json.string(Self.hidden)
        case (.scalar(let scalar), _):
            if scalar.isTyped, !scalar.isExpanded, let text = try? JSONText(scalar.raw) {
                json.raw(text)
            } else {
                json.string(scalar.raw)
            }
        case (.sequence(let elements), _):
            var inner = SchemaKind.open
            if case .list(let kind) = kind { inner = kind }
            json.beginArray()
            for element in elements { element.show(inner, into: &json) }
            json.endArray()
        case (.mapping(let entries), _):
            json.beginObject()
            for entry in entries {
                json.key(entry.key)
                entry.value.show(Self.kind(of: entry.key, in: kind), into: &json)
            }
            json.endObject()
        }
    }

    private static func kind(of key: String, in kind: SchemaKind) -> SchemaKind {
        switch kind {
        case .section(let keys), .switchOr(let keys), .scalarOr(_, let keys):
            keys.first { $0.name == key }?.kind ?? .open
        case .named(let inner): inner
        // Where a secret is, is none.
        default: .open
        }
    }
}
