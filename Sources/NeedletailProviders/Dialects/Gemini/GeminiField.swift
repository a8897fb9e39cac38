import NeedletailCore

/// What is wrong with a field; its path grows from the inside out, so that good requests build no paths.
struct GeminiFieldError: Error {
    /// The path below whoever catches, as Google spells it: `contents[0].parts`.
    var path: String
    var message: String

    init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The same error, seen from one level further out.
    func inside(_ key: String) -> Self {
        if self.path.isEmpty { return Self(key, self.message) }
        return Self(self.path.hasPrefix("[") ? key + self.path : "\(key).\(self.path)", self.message)
    }

    /// The error for the client.
    var error: NeedletailError {
        guard !self.path.isEmpty else { return NeedletailError(.invalidRequest, self.message) }
        return NeedletailError(
            .invalidRequest, "Invalid value at '\(self.path)': \(self.message)", parameter: self.path)
    }
}

/// Typed looks into objects whose keys come in camel case or in snake case.
enum GeminiField {
    /// A key in camel case: `response_mime_type` and `_responseJsonSchema` are `responseMimeType` and
    /// `responseJsonSchema`.
    static func camel(_ key: String) -> String {
        guard key.utf8.contains(UInt8(ascii: "_")) else { return key }
        var out = ""
        var isNext = false
        for character in key {
            if character == "_" {
                isNext = !out.isEmpty
            } else {
                out += isNext ? character.uppercased() : String(character)
                isNext = false
            }
        }
        return out
    }

    /// The same of a key that is compared with known ones.
    static func camel(_ key: JSONWord) -> JSONWord {
        key.contains(UInt8(ascii: "_")) ? JSONWord(Self.camel(key.string)) : key
    }

    /// The value under either spelling of a key, unless it is `null`.
    static func value(_ view: JSONView, _ camel: StaticString, _ snake: StaticString) -> JSONView? {
        view.present(camel) ?? view.present(snake)
    }

    static func string(_ view: JSONView, _ name: String) throws(GeminiFieldError) -> String {
        guard let string = view.string else { throw GeminiFieldError(name, "a string is wanted.") }
        return string
    }

    static func bool(_ view: JSONView, _ name: String) throws(GeminiFieldError) -> Bool {
        guard let bool = view.bool else { throw GeminiFieldError(name, "a boolean is wanted.") }
        return bool
    }

    static func number(_ view: JSONView, _ name: String) throws(GeminiFieldError) -> JSONText {
        guard let number = view.number else { throw GeminiFieldError(name, "a number is wanted.") }
        return number
    }

    /// A whole number, which protocol buffers may also spell as a string.
    static func int(_ view: JSONView, _ name: String) throws(GeminiFieldError) -> Int {
        guard let int = view.int ?? view.string.flatMap({ Int($0) }) else {
            throw GeminiFieldError(name, "a whole number is wanted.")
        }
        return int
    }

    static func object(_ view: JSONView, _ name: String) throws(GeminiFieldError) {
        guard view.kind == .object else { throw GeminiFieldError(name, "an object is wanted.") }
    }

    static func array(_ view: JSONView, _ name: String) throws(GeminiFieldError) {
        guard view.kind == .array else { throw GeminiFieldError(name, "an array is wanted.") }
    }

    /// A list of strings.
    static func strings(_ view: JSONView, _ name: String) throws(GeminiFieldError) -> [String] {
        try self.array(view, name)
        var strings: [String] = []
        for element in view.elements { strings.append(try self.string(element, "\(name)[\(strings.count)]")) }
        return strings
    }
}
