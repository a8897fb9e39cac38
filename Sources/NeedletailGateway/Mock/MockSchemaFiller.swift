import NIOCore
import NeedletailCore

/// Writes a value that satisfies a JSON Schema: required properties by type, the first of an `enum`, nested.
///
/// Knows `$ref` within the document, `allOf`, `anyOf`, `oneOf`, `const`, `enum`, `type`, bounds, lengths and the usual
/// formats; a `pattern` is not honoured. Schemas come from clients: what one fill may write and read is bounded.
struct MockSchemaFiller {
    /// Where references start.
    private let root: JSONView
    /// Deeper than this, optional things are left out.
    private static let shallow = 8
    /// Deeper than this, nothing is filled: a schema that demands infinite depth has no value.
    private static let maximumDepth = 32
    /// From here on a choice is taken that refers to nothing: recursive types end in one.
    private static let wayOut = 4
    /// How many values are written before only what is required is, and how many more before only empty ones are.
    private static let maximumValues = 10_000
    /// How many schemas are read and searched.
    private static let maximumFacets = 40_000
    /// How much text is written.
    private static let maximumSize = 1 << 20

    private var values = 0
    private var facetsLeft = Self.maximumFacets

    init(root: JSONView) {
        self.root = root
    }

    /// A value for `schema`, or for anything at all if there is none.
    static func fill(_ schema: JSONView?) -> String {
        guard let schema else { return "{}" }
        var json = JSONWriter()
        var filler = Self(root: schema)
        filler.write(schema, depth: 0, name: "value", into: &json)
        return String(buffer: json.bytes)
    }

    private mutating func write(_ schema: JSONView, depth: Int, name: String, into json: inout JSONWriter) {
        self.values += 1
        // Beyond the budget: the smallest that is valid.
        let depth = self.values > Self.maximumValues ? max(depth, Self.shallow) : depth
        var facets: [JSONView] = []
        var followed: Set<String> = []
        self.flatten(schema, depth: depth, into: &facets, &followed)
        guard depth < Self.maximumDepth, !self.isExhausted(json) else { return Self.writeEmpty(facets, into: &json) }
        if let value = Self.first(facets, "const") { return json.raw(value.text) }
        if let values = Self.first(facets, "enum"), let value = values.elements.first(where: { _ in true }) {
            return json.raw(value.text)
        }
        switch self.type(of: facets, depth: depth) {
        case "object": self.writeObject(facets, depth: depth, into: &json)
        case "array": self.writeArray(facets, depth: depth, name: name, into: &json)
        case "integer": json.int(Int(exactly: Self.number(facets).rounded(.up)) ?? 0)
        case "number": Self.write(Self.number(facets), into: &json)
        case "boolean": json.bool(true)
        case "null": json.null()
        default: json.string(Self.string(facets, name: name))
        }
    }

    private func isExhausted(_ json: JSONWriter) -> Bool {
        self.values > 2 * Self.maximumValues || self.facetsLeft <= 0 || json.bytes.readableBytes > Self.maximumSize
    }

    /// Ends a schema that has no finite value, or none within bounds.
    private static func writeEmpty(_ facets: [JSONView], into json: inout JSONWriter) {
        switch Self.first(facets, "type")?.string?.lowercased() {
        case "object": json.raw(JSONText(unchecked: "{}"))
        case "array": json.raw(JSONText(unchecked: "[]"))
        case "string": json.string("")
        case "integer", "number": json.int(0)
        case "boolean": json.bool(true)
        default: json.null()
        }
    }

    /// Resolves what only points elsewhere into a list of schemas that all apply; each reference once.
    private mutating func flatten(
        _ schema: JSONView,
        depth: Int,
        into facets: inout [JSONView],
        _ followed: inout Set<String>,
        hops: Int = 0
    ) {
        guard hops < 32, facets.isEmpty || self.facetsLeft > 0 else { return }
        // Long ones count for more: they are searched for each keyword.
        self.facetsLeft -= 1 + schema.range.count / 1024
        facets.append(schema)
        if let reference = schema["$ref"]?.string, followed.insert(reference).inserted,
            let target = self.resolve(reference)
        {
            self.flatten(target, depth: depth, into: &facets, &followed, hops: hops + 1)
        }
        if let all = schema["allOf"] {
            for part in all.elements {
                guard self.facetsLeft > 0 else { break }
                self.flatten(part, depth: depth, into: &facets, &followed, hops: hops + 1)
            }
        }
        if let options = schema["anyOf"] ?? schema["oneOf"], let chosen = self.choose(options, depth: depth) {
            self.flatten(chosen, depth: depth, into: &facets, &followed, hops: hops + 1)
        }
    }

    /// Which of several schemas to fill: the first that is not null, deeper down one that leads no further.
    private mutating func choose(_ options: JSONView, depth: Int) -> JSONView? {
        var null: JSONView?
        var first: JSONView?
        for option in options.elements {
            if option["type"]?.string == "null" {
                if depth >= Self.shallow { return option }
                null = null ?? option
                continue
            }
            first = first ?? option
            if depth < Self.wayOut || !self.refersOn(option) { return option }
        }
        return null ?? first
    }

    /// Whether there is a reference in a schema, or in the one that it refers to.
    private mutating func refersOn(_ option: JSONView) -> Bool {
        guard let reference = option["$ref"]?.string else { return self.holdsReference(option) }
        guard let target = self.resolve(reference) else { return false }
        return self.holdsReference(target)
    }

    private mutating func holdsReference(_ schema: JSONView) -> Bool {
        self.facetsLeft -= 1
        guard self.facetsLeft > 0 else { return true }
        switch schema.kind {
        case .object:
            for member in schema.members where member.hasKey("$ref") || self.holdsReference(member.value) {
                return true
            }
        case .array:
            for element in schema.elements where self.holdsReference(element) { return true }
        default: break
        }
        return false
    }

    private mutating func resolve(_ reference: String) -> JSONView? {
        guard reference.hasPrefix("#") else { return nil }
        var view = self.root
        for step in reference.dropFirst().split(separator: "/") {
            var next: JSONView?
            var passed = 0
            for member in view.members {
                passed += 1
                guard member.key == step else { continue }
                next = member.value
                break
            }
            self.facetsLeft -= passed / 64
            guard let next else { return nil }
            view = next
        }
        return view
    }

    private func type(of facets: [JSONView], depth: Int) -> String {
        if let type = Self.first(facets, "type") {
            if let name = type.string?.lowercased() { return name }
            let names = type.elements.compactMap(\.string)
            if depth >= Self.shallow, names.contains("null") { return "null" }
            if let name = names.first(where: { $0 != "null" }) ?? names.first { return name }
        }
        if Self.first(facets, "properties") != nil { return "object" }
        if Self.first(facets, "items") != nil { return "array" }
        return Self.first(facets, "minimum") != nil ? "number" : "string"
    }

    private mutating func writeObject(_ facets: [JSONView], depth: Int, into json: inout JSONWriter) {
        let required = Set(facets.flatMap { facet in facet["required"].map { $0.elements.compactMap(\.string) } ?? [] })
        let namesNone = !facets.contains { $0["required"] != nil }
        var written: Set<String> = []
        json.beginObject()
        for facet in facets {
            guard let properties = facet["properties"] else { continue }
            for property in properties.members where !written.contains(property.key) {
                guard !self.isExhausted(json) else { break }
                guard required.contains(property.key) || (namesNone && depth < Self.shallow) else { continue }
                written.insert(property.key)
                json.key(property.key)
                self.write(property.value, depth: depth + 1, name: property.key, into: &json)
            }
        }
        for name in required.subtracting(written).sorted() {
            json.key(name)
            json.string("mock")
        }
        json.endObject()
    }

    private mutating func writeArray(_ facets: [JSONView], depth: Int, name: String, into json: inout JSONWriter) {
        let least = Self.first(facets, "minItems")?.int ?? 0
        let most = Self.first(facets, "maxItems")?.int ?? .max
        let count = min(max(0, min(most, max(least, depth < Self.shallow ? 1 : 0))), 64)
        let fixed = Self.first(facets, "prefixItems").map { Array($0.elements) } ?? []
        json.beginArray()
        for index in 0..<max(count, min(fixed.count, most)) {
            guard !self.isExhausted(json) else { break }
            if index < fixed.count {
                self.write(fixed[index], depth: depth + 1, name: name, into: &json)
            } else if let items = Self.first(facets, "items"), items.kind == .object {
                self.write(items, depth: depth + 1, name: name, into: &json)
            } else {
                json.string("mock")
            }
        }
        json.endArray()
    }

    private static func first(_ facets: [JSONView], _ key: StaticString) -> JSONView? {
        for facet in facets { if let value = facet[key] { return value } }
        return nil
    }

    private static func number(_ facets: [JSONView]) -> Double {
        let step = Self.first(facets, "multipleOf")?.double ?? 1
        var value = 1.0
        if let least = Self.first(facets, "minimum")?.double { value = max(value, least) }
        if let least = Self.first(facets, "exclusiveMinimum")?.double, value <= least { value = least + step }
        if let most = Self.first(facets, "maximum")?.double { value = min(value, most) }
        if let most = Self.first(facets, "exclusiveMaximum")?.double, value >= most { value = most - step }
        if step > 0, step != 1 { value = (value / step).rounded(.up) * step }
        return value.magnitude < 9e15 ? value : 1
    }

    private static func write(_ number: Double, into json: inout JSONWriter) {
        if number == number.rounded(), number.magnitude < 9e15 {
            json.int(Int(number))
        } else {
            json.raw(JSONText(unchecked: "\(number)"))
        }
    }

    private static func string(_ facets: [JSONView], name: String) -> String {
        switch Self.first(facets, "format")?.string {
        case "date-time": return "2025-01-02T03:04:05Z"
        case "date": return "2025-01-02"
        case "time": return "03:04:05Z"
        case "duration": return "PT1S"
        case "email": return "mock@example.com"
        case "hostname": return "example.com"
        case "ipv4": return "192.0.2.1"
        case "ipv6": return "2001:db8::1"
        case "uri", "url", "uri-reference": return "https://example.com/mock"
        case "uuid": return "00000000-0000-4000-8000-000000000000"
        default: break
        }
        var text = "mock \(name)"
        if let least = Self.first(facets, "minLength")?.int, text.unicodeScalars.count < least {
            text += String(repeating: "x", count: max(0, min(least, 65_536) - text.unicodeScalars.count))
        }
        if let most = Self.first(facets, "maxLength")?.int { text = String(text.prefix(max(0, most))) }
        return text
    }
}
