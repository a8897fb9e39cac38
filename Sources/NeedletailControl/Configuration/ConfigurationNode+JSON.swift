import NIOCore
import NeedletailCore

extension ConfigurationNode {
    /// The value as JSON: what is plain in YAML and spelled like a JSON number or boolean is one.
    var json: String {
        var json = JSONWriter()
        self.write(into: &json)
        return String(buffer: json.bytes)
    }

    private func write(into json: inout JSONWriter) {
        switch self.content {
        case .null:
            json.null()
        case .scalar(let scalar):
            let first = scalar.text.utf8.first ?? 0
            let isLiteral = scalar.text == "true" || scalar.text == "false"
            let isNumber = first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
            if scalar.isTyped, isLiteral || isNumber, let text = try? JSONText(scalar.text) {
                json.raw(text)
            } else {
                json.string(scalar.text)
            }
        case .sequence(let elements):
            json.beginArray()
            for element in elements { element.write(into: &json) }
            json.endArray()
        case .mapping(let entries):
            json.beginObject()
            for entry in entries {
                json.key(entry.key)
                entry.value.write(into: &json)
            }
            json.endObject()
        }
    }
}
