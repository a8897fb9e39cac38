import NIOHTTP1
import NeedletailCore

/// What a path of the API listener means.
enum Route: Hashable {
    case chatCompletions
    case messages
    case countTokens
    case models
    case model(String)
    case health

    /// Finds the route of `path`, which holds no query; `nil` if there is none.
    init?(path: Substring) {
        switch path {
        case "/v1/chat/completions", "/chat/completions": self = .chatCompletions
        case "/v1/messages": self = .messages
        case "/v1/messages/count_tokens": self = .countTokens
        case "/v1/models", "/models": self = .models
        case "/health": self = .health
        default:
            // Names of models hold slashes (`provider/model`), which clients send as they are or encoded.
            guard path.hasPrefix("/v1/models/"), let name = PercentEncoding.decoded(path.dropFirst(11)), !name.isEmpty
            else { return nil }
            self = .model(name)
        }
    }

    /// The methods that it takes, for `allow`.
    var allowed: String {
        switch self {
        case .chatCompletions, .messages, .countTokens: "POST, OPTIONS"
        case .models, .model, .health: "GET, HEAD, OPTIONS"
        }
    }

    /// Whether it takes `method`.
    func takes(_ method: HTTPMethod) -> Bool {
        switch self {
        case .chatCompletions, .messages, .countTokens: method == .POST
        case .models, .model, .health: method == .GET || method == .HEAD
        }
    }

    /// Whether a key is asked for.
    var needsKey: Bool { self != .health }

    /// The dialect and operation of a request with a body.
    var inference: (dialect: DialectID, operation: NeedletailCore.Operation)? {
        switch self {
        case .chatCompletions: (.openAIChat, .chat)
        case .messages: (.anthropicMessages, .chat)
        case .countTokens: (.anthropicMessages, .countTokens)
        case .models, .model, .health: nil
        }
    }
}

extension HTTPRequestHead {
    /// The path of the request target, which may be a whole URL (RFC 9112, section 3.2.2).
    var path: Substring {
        var target = self.uri[...]
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) { target = target[..<mark] }
        guard target.utf8.first != UInt8(ascii: "/") else { return target }
        for scheme in ["http://", "https://"] where target.prefix(scheme.count).lowercased() == scheme {
            let rest = target.dropFirst(scheme.count)
            return rest.utf8.firstIndex(of: UInt8(ascii: "/")).map { rest[$0...] } ?? "/"
        }
        return target
    }

    /// The dialect that errors are written in.
    var errorDialect: DialectID {
        let path = self.path
        if path.hasPrefix("/v1/messages") { return .anthropicMessages }
        if path.hasPrefix("/v1/models"), self.headers.contains(name: "anthropic-version") { return .anthropicMessages }
        return .openAIChat
    }
}

/// Percent signs in paths.
enum PercentEncoding {
    /// The decoded text; `nil` for what is no UTF-8 or no encoding.
    static func decoded(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let unit = rest.popFirst() {
            guard unit == UInt8(ascii: "%") else {
                bytes.append(unit)
                continue
            }
            guard let high = rest.popFirst().flatMap(Self.digit), let low = rest.popFirst().flatMap(Self.digit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ unit: UInt8) -> UInt8? {
        switch unit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): unit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): unit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): unit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
