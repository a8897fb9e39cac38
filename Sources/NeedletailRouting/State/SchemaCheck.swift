import NIOCore
import NeedletailCore

/// Judges JSON by a JSON schema: the keywords that providers allow in structured output
/// (<https://platform.openai.com/docs/guides/structured-outputs#supported-schemas>), and `oneOf` and `allOf`. What else a
/// schema says is passed over, so that nothing is refused which the provider's own check would let through.
struct SchemaCheck {
    /// How deep values are looked into. Providers allow ten levels; `$ref` may go round in a circle.
    private static let maximumDepth = 64

    private let root: JSONView

    init(_ schema: JSONView) {
        self.root = schema
    }

    /// Where and how `value` breaks the schema; `nil` if it does not.
    func fault(of value: JSONView) -> String? {
        self.fault(of: value, by: self.root, "$", 0)
    }

    private func fault(of value: JSONView, by schema: JSONView, _ path: String, _ depth: Int) -> String? {
        guard schema.kind == .object, depth < Self.maximumDepth else {
            return schema.bool == false ? "\(path) may not be there" : nil
        }
        if let reference = schema.present("$ref")?.string {
            guard let target = self.target(of: reference) else { return nil }
            return self.fault(of: value, by: target, path, depth + 1)
        }
        if let type = schema["type"], !Self.isOf(type, value) { return "\(path) is of another type" }
        if let values = schema["enum"], values.kind == .array,
            !values.elements.contains(where: { Self.equal($0, value) })
        {
            return "\(path) is none of the values that are allowed"
        }
        if let constant = schema["const"], !Self.equal(constant, value) {
            return "\(path) is not the value that is allowed"
        }
        if let parts = schema["allOf"] {
            for part in parts.elements {
                if let fault = self.fault(of: value, by: part, path, depth + 1) { return fault }
            }
        }
        for word in ["anyOf", "oneOf"] as [StaticString] {
            guard let parts = schema[word], parts.kind == .array else { continue }
            guard parts.elements.contains(where: { self.fault(of: value, by: $0, path, depth + 1) == nil }) else {
                return "\(path) is of none of the forms that are allowed"
            }
        }
        switch value.kind {
        case .object: return self.objectFault(of: value, by: schema, path, depth)
        case .array: return self.arrayFault(of: value, by: schema, path, depth)
        case .number, .string: return Self.sizeFault(of: value, by: schema, path)
        default: return nil
        }
    }

    private func objectFault(of value: JSONView, by schema: JSONView, _ path: String, _ depth: Int) -> String? {
        var present: [String: JSONView] = [:]
        for member in value.members { present[member.key] = member.value }
        if let required = schema["required"] {
            for name in required.elements {
                guard let name = name.string, present[name] == nil else { continue }
                return "\(path) lacks '\(name.prefix(100))'"
            }
        }
        if let properties = schema["properties"] {
            for member in properties.members {
                let key = member.key
                guard let property = present.removeValue(forKey: key) else { continue }
                let place = "\(path).\(key.prefix(100))"
                if let fault = self.fault(of: property, by: member.value, place, depth + 1) { return fault }
            }
        }
        guard schema.present("patternProperties") == nil, let others = schema["additionalProperties"] else {
            return nil
        }
        for other in present.values {
            if let fault = self.fault(of: other, by: others, "\(path)'s other members", depth + 1) { return fault }
        }
        return nil
    }

    private func arrayFault(of value: JSONView, by schema: JSONView, _ path: String, _ depth: Int) -> String? {
        var count = 0
        let items = schema.present("prefixItems") == nil ? schema["items"] : nil
        for element in value.elements {
            if let items, let fault = self.fault(of: element, by: items, "\(path)[\(count)]", depth + 1) {
                return fault
            }
            count += 1
        }
        if let least = schema.present("minItems")?.int, count < least { return "\(path) has too few elements" }
        if let most = schema.present("maxItems")?.int, count > most { return "\(path) has too many elements" }
        return nil
    }

    private static func sizeFault(of value: JSONView, by schema: JSONView, _ path: String) -> String? {
        if let number = value.double {
            if let least = schema.present("minimum")?.double, number < least { return "\(path) is too small" }
            if let most = schema.present("maximum")?.double, number > most { return "\(path) is too large" }
            return nil
        }
        let limits = (schema.present("minLength")?.int, schema.present("maxLength")?.int)
        guard limits.0 != nil || limits.1 != nil, let text = value.string else { return nil }
        let length = text.unicodeScalars.count
        if let least = limits.0, length < least { return "\(path) is too short" }
        if let most = limits.1, length > most { return "\(path) is too long" }
        return nil
    }

    /// What a reference within the schema leads to: `#`, `#/$defs/NAME` and the like.
    private func target(of reference: String) -> JSONView? {
        guard reference.hasPrefix("#") else { return nil }
        var view = self.root
        for step in reference.dropFirst().split(separator: "/") {
            let name = step.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = view.members.first(where: { $0.key == name })?.value else { return nil }
            view = next
        }
        return view
    }

    private static func isOf(_ type: JSONView, _ value: JSONView) -> Bool {
        if type.kind == .array { return type.elements.contains { Self.isOf($0, value) } }
        switch type.string {
        case "object": return value.kind == .object
        case "array": return value.kind == .array
        case "string": return value.kind == .string
        case "number": return value.kind == .number
        case "integer": return value.double.map { $0.rounded() == $0 } ?? false
        case "boolean": return value.kind == .boolean
        case "null": return value.isNull
        default: return true
        }
    }

    private static func equal(_ left: JSONView, _ right: JSONView) -> Bool {
        guard left.kind == right.kind else { return false }
        switch left.kind {
        case .string: return left.string == right.string
        case .number: return left.double == right.double
        default: return left.raw == right.raw
        }
    }
}
