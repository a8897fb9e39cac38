import NeedletailCore

extension RandomJSON {
    /// Reads the value through the view.
    init(_ view: JSONView) {
        switch view.kind {
        case .null: self = .null
        case .boolean: self = .bool(view.bool == true)
        case .number:
            self = if let int = Int(view.text.description) { .int(int) } else { .double(view.text.description) }
        case .string: self = .string(view.string ?? "")
        case .array: self = .array(view.elements.map(Self.init))
        case .object: self = .object(view.members.map { ($0.key, Self($0.value)) })
        }
    }

    /// Writes the value.
    func write(_ writer: inout JSONWriter) {
        switch self {
        case .null: writer.null()
        case .bool(let bool): writer.bool(bool)
        case .int(let int): writer.int(int)
        case .double(let text): writer.raw(JSONText(unchecked: text))
        case .string(let text): writer.string(text)
        case .array(let elements):
            writer.beginArray()
            for element in elements { element.write(&writer) }
            writer.endArray()
        case .object(let members):
            writer.beginObject()
            for (key, value) in members {
                writer.key(key)
                value.write(&writer)
            }
            writer.endObject()
        }
    }
}
