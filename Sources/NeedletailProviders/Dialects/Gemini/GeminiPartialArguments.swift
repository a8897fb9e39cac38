import NIOCore
import NeedletailCore

/// A call's arguments that arrive value by value, each with its place: `$.recipe.steps[0].text`.
///
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc>
struct GeminiPartialArguments {
    private indirect enum Node {
        case object([(key: String, value: Node)])
        case array([Node])
        case string(String)
        case raw(JSONText)
        case empty
    }

    private enum Step {
        case key(String)
        case index(Int)
    }

    /// A lying server cannot make an array grow.
    private static let maximumIndex = 1 << 16
    private static let maximumDepth = 128

    private var root = Node.object([])

    /// Adds one `partialArgs` element; a string's pieces follow each other at the same place.
    mutating func add(_ piece: JSONView) {
        guard let spelled = GeminiField.value(piece, "jsonPath", "json_path")?.string,
            let path = Self.steps(spelled), path.count <= Self.maximumDepth
        else { return }
        if let text = GeminiField.value(piece, "stringValue", "string_value")?.string {
            Self.set(.string(text), at: path[...], in: &self.root)
        } else if let number = GeminiField.value(piece, "numberValue", "number_value") {
            Self.set(.raw(number.text), at: path[...], in: &self.root)
        } else if let bool = GeminiField.value(piece, "boolValue", "bool_value") {
            Self.set(.raw(bool.text), at: path[...], in: &self.root)
        } else if piece["nullValue"] != nil || piece["null_value"] != nil {
            Self.set(.raw(JSONText(unchecked: "null")), at: path[...], in: &self.root)
        }
    }

    /// The arguments so far, as JSON.
    var text: String {
        var json = JSONWriter()
        Self.write(self.root, into: &json)
        return String(buffer: json.bytes)
    }

    private static func set(_ value: Node, at path: ArraySlice<Step>, in node: inout Node) {
        guard let step = path.first else {
            if case .string(let old) = node, case .string(let new) = value {
                node = .string(old + new)
            } else {
                node = value
            }
            return
        }
        switch step {
        case .key(let key):
            var members: [(key: String, value: Node)] = []
            if case .object(let old) = node { members = old }
            node = .empty
            let place = members.firstIndex { $0.key == key } ?? members.count
            if place == members.count { members.append((key, .empty)) }
            self.set(value, at: path.dropFirst(), in: &members[place].value)
            node = .object(members)
        case .index(let index):
            guard index <= Self.maximumIndex else { return }
            var elements: [Node] = []
            if case .array(let old) = node { elements = old }
            node = .empty
            while elements.count <= index { elements.append(.empty) }
            self.set(value, at: path.dropFirst(), in: &elements[index])
            node = .array(elements)
        }
    }

    private static func write(_ node: Node, into json: inout JSONWriter) {
        switch node {
        case .object(let members):
            json.beginObject()
            for member in members {
                json.key(member.key)
                self.write(member.value, into: &json)
            }
            json.endObject()
        case .array(let elements):
            json.beginArray()
            for element in elements { self.write(element, into: &json) }
            json.endArray()
        case .string(let text): json.string(text)
        case .raw(let text): json.raw(text)
        case .empty: json.null()
        }
    }

    /// `$.a.b[0]['c d']` taken apart (RFC 9535, the singular queries); `nil` for what is none.
    private static func steps(_ path: String) -> [Step]? {
        var rest = Substring(path)
        guard rest.popFirst() == "$" else { return nil }
        var steps: [Step] = []
        while let first = rest.popFirst() {
            if first == "." {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty else { return nil }
                steps.append(.key(String(name)))
                rest = rest[name.endIndex...]
            } else if first == "[" {
                if let quote = rest.first, quote == "'" || quote == "\"" {
                    rest = rest.dropFirst()
                    var name = ""
                    while let character = rest.popFirst(), character != quote {
                        if character == "\\", let escaped = rest.popFirst() {
                            name.append(escaped)
                        } else {
                            name.append(character)
                        }
                    }
                    steps.append(.key(name))
                } else {
                    let digits = rest.prefix { $0 != "]" }
                    guard let index = Int(digits), index >= 0 else { return nil }
                    steps.append(.index(index))
                    rest = rest[digits.endIndex...]
                }
                guard rest.popFirst() == "]" else { return nil }
            } else {
                return nil
            }
        }
        return steps
    }
}
