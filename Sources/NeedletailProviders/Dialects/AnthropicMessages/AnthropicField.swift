import NeedletailCore

/// What is wrong with a field; its path grows from the inside out, so that good requests build no paths.
struct AnthropicFieldError: Error {
    /// The path below whoever catches, as Anthropic spells it: `messages.0.content`.
    var path: String
    /// What was expected, in Anthropic's words.
    var message: String

    init(_ path: String, _ message: String) {
        self.path = path
        self.message = message
    }

    /// The same error, seen from one level further out.
    func inside(_ key: String) -> Self {
        Self(self.path.isEmpty ? key : "\(key).\(self.path)", self.message)
    }

    /// The error for the client.
    var error: NeedletailError {
        guard !self.path.isEmpty else { return NeedletailError(.invalidRequest, self.message) }
        return NeedletailError(.invalidRequest, "\(self.path): \(self.message)", parameter: self.path)
    }
}

/// Typed looks into a request's objects. `null` counts as absent, as it does upstream.
enum AnthropicField {
    static func object(_ value: JSONView) throws(AnthropicFieldError) {
        guard value.kind == .object else {
            throw AnthropicFieldError("", "Input should be a valid dictionary")
        }
    }

    static func string(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> String? {
        guard let field = value.present(key) else { return nil }
        guard let string = field.string else {
            throw AnthropicFieldError(key.description, "Input should be a valid string")
        }
        return string
    }

    static func requiredString(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> String {
        guard let string = try Self.string(value, key) else {
            throw AnthropicFieldError(key.description, "Field required")
        }
        return string
    }

    static func bool(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> Bool? {
        guard let field = value.present(key) else { return nil }
        guard let bool = field.bool else {
            throw AnthropicFieldError(key.description, "Input should be a valid boolean")
        }
        return bool
    }

    static func int(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> Int? {
        guard let field = value.present(key) else { return nil }
        guard let int = field.int else {
            throw AnthropicFieldError(key.description, "Input should be a valid integer")
        }
        return int
    }

    static func number(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> JSONText? {
        guard let field = value.present(key) else { return nil }
        guard let number = field.number else {
            throw AnthropicFieldError(key.description, "Input should be a valid number")
        }
        return number
    }

    /// An object under `key` that must be there if anything is.
    static func object(_ value: JSONView, _ key: StaticString) throws(AnthropicFieldError) -> JSONView? {
        guard let field = value.present(key) else { return nil }
        guard field.kind == .object else {
            throw AnthropicFieldError(key.description, "Input should be a valid dictionary")
        }
        return field
    }
}
