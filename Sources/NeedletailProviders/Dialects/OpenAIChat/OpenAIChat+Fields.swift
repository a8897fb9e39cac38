import NIOCore
import NeedletailCore

/// Reads the fields of a client's request and says, as OpenAI does, which one is wrong.
enum OpenAIChatField {
    static func invalid(_ path: String, _ message: String) -> NeedletailError {
        NeedletailError(.invalidRequest, message, parameter: path)
    }

    static func missing(_ path: String) -> NeedletailError {
        self.invalid(path, "Missing required parameter: '\(path)'.")
    }

    static func wrongType(_ path: String, _ expected: String, _ view: JSONView) -> NeedletailError {
        self.invalid(path, "Invalid type for '\(path)': expected \(expected), but got \(self.noun(view)) instead.")
    }

    private static func noun(_ view: JSONView) -> String {
        switch view.kind {
        case .null: "null"
        case .boolean: "a boolean"
        case .number: view.int == nil ? "a decimal" : "an integer"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    static func string(_ view: JSONView, _ path: @autoclosure () -> String) throws(NeedletailError) -> String {
        guard let string = view.string else { throw self.wrongType(path(), "a string", view) }
        return string
    }

    static func bool(_ view: JSONView, _ path: @autoclosure () -> String) throws(NeedletailError) -> Bool {
        guard let bool = view.bool else { throw self.wrongType(path(), "a boolean", view) }
        return bool
    }

    static func number(_ view: JSONView, _ path: @autoclosure () -> String) throws(NeedletailError) -> JSONText {
        guard let number = view.number else { throw self.wrongType(path(), "a number", view) }
        return number
    }

    static func int(_ view: JSONView, _ path: @autoclosure () -> String, least: Int) throws(NeedletailError) -> Int {
        guard let int = view.int else { throw self.wrongType(path(), "an integer", view) }
        guard int >= least else {
            throw self.invalid(path(), "Invalid '\(path())': expected a value of at least \(least), but got \(int).")
        }
        return int
    }

    static func object(_ view: JSONView, _ path: @autoclosure () -> String) throws(NeedletailError) {
        guard view.kind == .object else { throw self.wrongType(path(), "an object", view) }
    }

    static func array(_ view: JSONView, _ path: @autoclosure () -> String) throws(NeedletailError) {
        guard view.kind == .array else { throw self.wrongType(path(), "an array", view) }
    }

    /// The value under `key`, which must be there.
    static func required(
        _ view: JSONView,
        _ key: StaticString,
        _ path: @autoclosure () -> String
    ) throws(NeedletailError) -> JSONView {
        guard let value = view.present(key) else { throw self.missing("\(path()).\(key)") }
        return value
    }
}

extension MediaSource {
    /// Takes `data:image/png;base64,…` apart; anything else is a URL.
    static func openAI(url: String) -> MediaSource {
        guard url.utf8.starts(with: "data:".utf8), let comma = url.utf8.firstIndex(of: UInt8(ascii: ",")) else {
            return .url(url)
        }
        let parameters = url[url.index(url.startIndex, offsetBy: 5)..<comma].split(
            separator: ";", omittingEmptySubsequences: false)
        guard parameters.count > 1, parameters.last == "base64" else { return .url(url) }
        let type = parameters[0].isEmpty ? "text/plain" : String(parameters[0])
        return .base64(mediaType: type, data: String(url[url.index(after: comma)...]))
    }
}
