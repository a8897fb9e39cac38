import NeedletailCore

/// Schemas in Google's form, a part of OpenAPI 3.0 with types in upper case, as JSON Schema.
///
/// The other way needs no translation: `parametersJsonSchema` and `responseJsonSchema` take JSON Schema as it is.
/// <https://ai.google.dev/api/caching#Schema>
enum GeminiSchema {
    /// The schema as JSON Schema.
    static func jsonSchema(_ schema: JSONView) -> JSONText {
        var json = JSONWriter()
        self.write(schema, into: &json)
        return JSONText(unchecked: json.bytes)
    }

    private static func write(_ schema: JSONView, into json: inout JSONWriter) {
        guard schema.kind == .object else {
            json.raw(schema.text)
            return
        }
        let isNullable = schema.present("nullable")?.bool == true
        json.beginObject()
        for member in schema.members where !member.value.isNull || member.hasKey("default") {
            self.member(GeminiField.camel(member.key), member.value, isNullable: isNullable, into: &json)
        }
        json.endObject()
    }

    private static func member(
        _ key: String, _ value: JSONView, isNullable: Bool, into json: inout JSONWriter
    ) {
        switch key {
        case "nullable": return
        case "type": self.type(value, isNullable: isNullable, into: &json)
        case "enum" where isNullable && value.kind == .array:
            json.key("enum")
            json.beginArray()
            for element in value.elements { json.raw(element.text) }
            json.null()
            json.endArray()
        case "properties", "defs", "$defs", "patternProperties":
            guard value.kind == .object else { return }
            json.key(key == "defs" ? "$defs" : key)
            json.beginObject()
            for property in value.members {
                json.key(property.key)
                self.write(property.value, into: &json)
            }
            json.endObject()
        case "items", "additionalProperties", "not":
            json.key(key)
            self.write(value, into: &json)
        case "anyOf", "oneOf", "allOf", "prefixItems":
            guard value.kind == .array else { return }
            json.key(key)
            json.beginArray()
            for element in value.elements { self.write(element, into: &json) }
            json.endArray()
        case "ref":
            json.key("$ref")
            json.raw(value.text)
        case "example":
            json.key("examples")
            json.beginArray()
            json.raw(value.text)
            json.endArray()
        // 64-bit numbers are strings in the JSON of protocol buffers.
        case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties":
            json.key(key)
            if let number = value.string.flatMap({ Int($0) }) { json.int(number) } else { json.raw(value.text) }
        default:
            json.key(key)
            json.raw(value.text)
        }
    }

    private static func type(_ value: JSONView, isNullable: Bool, into json: inout JSONWriter) {
        var types: [String] = []
        if let type = value.string { types = [type.lowercased()] }
        for element in value.elements {
            if let type = element.string { types.append(type.lowercased()) }
        }
        types.removeAll { $0 == "type_unspecified" }
        if isNullable, !types.isEmpty, !types.contains("null") { types.append("null") }
        guard let first = types.first else { return }
        json.key("type")
        guard types.count > 1 else {
            json.string(first)
            return
        }
        json.beginArray()
        for type in types { json.string(type) }
        json.endArray()
    }
}
