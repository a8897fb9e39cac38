import NIOCore
package import NIOHTTP1
import NeedletailCore

/// What a path of the API listener means.
enum Route: Hashable {
    case inference(InferenceRoute)
    case models
    case model(String)
    case response(String)
    case inputItems(String)
    /// What Ollama's clients ask for one model, by a body.
    case modelDetails
    /// What Ollama's clients ask to see whom they talk to.
    case version
    case health(isLiveness: Bool)

    /// Finds the route of `path`, which holds no query; `nil` if there is none.
    init?(path: Substring, query: Substring = "") {
        switch path {
        case "/v1/chat/completions", "/chat/completions": self = .inference(InferenceRoute(.openAIChat))
        case "/v1/messages": self = .inference(InferenceRoute(.anthropicMessages))
        case "/v1/messages/count_tokens": self = .inference(InferenceRoute(.anthropicMessages, .countTokens))
        case "/v1/responses", "/responses": self = .inference(InferenceRoute(.openAIResponses))
        case "/v1/completions", "/completions": self = .inference(InferenceRoute(.openAICompletions))
        case "/v1/embeddings", "/embeddings": self = .inference(InferenceRoute(.openAIChat, .embeddings))
        case "/v1/rerank", "/rerank": self = .inference(InferenceRoute(.openAIChat, .rerank))
        case "/v1/moderations": self = .inference(InferenceRoute(.openAIChat, .moderations))
        case "/v1/images/generations": self = .inference(InferenceRoute(.openAIChat, .imageGeneration))
        case "/v1/images/edits": self = .inference(InferenceRoute(.openAIChat, .imageEdit))
        case "/v1/audio/speech": self = .inference(InferenceRoute(.openAIChat, .speech))
        case "/v1/audio/transcriptions": self = .inference(InferenceRoute(.openAIChat, .transcription))
        case "/v1/audio/translations": self = .inference(InferenceRoute(.openAIChat, .translation))
        case "/api/embed": self = .inference(InferenceRoute(.ollamaChat, .embeddings))
        case "/api/embeddings": self = .inference(InferenceRoute(.ollamaChat, .singleEmbedding))
        case "/v2/embed": self = .inference(InferenceRoute(.cohereChat, .embeddings))
        case "/v2/rerank": self = .inference(InferenceRoute(.cohereChat, .rerank))
        case "/api/chat": self = .inference(InferenceRoute(.ollamaChat))
        case "/api/generate": self = .inference(InferenceRoute(.ollamaGenerate))
        case "/v2/chat": self = .inference(InferenceRoute(.cohereChat))
        case "/v1/models", "/models", "/v1beta/models", "/api/tags", "/openai/models": self = .models
        case "/api/show": self = .modelDetails
        case "/api/version": self = .version
        case "/health", "/health/ready": self = .health(isLiveness: false)
        case "/health/live": self = .health(isLiveness: true)
        default:
            guard let route = Self.ofResponse(path) ?? Self.withModel(path, query) else { return nil }
            self = route
        }
    }

    /// The paths of a response that was created before.
    private static func ofResponse(_ path: Substring) -> Route? {
        for prefix in ["/v1/responses/", "/responses/"] where path.hasPrefix(prefix) {
            var rest = path.dropFirst(prefix.count)
            let listsItems = rest.hasSuffix("/input_items")
            if listsItems { rest = rest.dropLast("/input_items".count) }
            guard !rest.isEmpty, rest.utf8.count <= 256, !rest.contains("/"), let id = PercentEncoding.decoded(rest)
            else { return nil }
            return listsItems ? .inputItems(id) : .response(id)
        }
        return nil
    }

    /// The paths that hold a model's name.
    private static func withModel(_ path: Substring, _ query: Substring) -> Route? {
        // Names of models hold slashes (`provider/model`), which clients send as they are or encoded.
        func name(_ text: Substring) -> String? {
            PercentEncoding.decoded(text).flatMap { $0.isEmpty ? nil : $0 }
        }
        for prefix in ["/v1beta/models/", "/v1/models/"] where path.hasPrefix(prefix) {
            let rest = path.dropFirst(prefix.count)
            if let colon = rest.lastIndex(of: ":"), let model = name(rest[..<colon]),
                let route = Self.gemini(rest[rest.index(after: colon)...], model, query)
            {
                return .inference(route)
            }
            return name(rest).map { .model($0) }
        }
        if path.hasPrefix("/openai/deployments/") {
            // Azure's paths: the deployment's name, then OpenAI's own path.
            let rest = path.dropFirst(20)
            guard let slash = rest.firstIndex(of: "/"), let model = name(rest[..<slash]),
                case .inference(var route) = Route(path: "/v1" + rest[slash...])
            else { return nil }
            route.model = model
            return .inference(route)
        }
        guard path.hasPrefix("/model/"), let slash = path.lastIndex(of: "/"), slash > path.startIndex,
            let model = name(path[..<slash].dropFirst(7))
        else { return nil }
        switch path[path.index(after: slash)...] {
        case "converse": return .inference(InferenceRoute(.bedrockConverse, model: model, isStreaming: false))
        case "converse-stream": return .inference(InferenceRoute(.bedrockConverse, model: model, isStreaming: true))
        case "count-tokens": return .inference(InferenceRoute(.bedrockConverse, .countTokens, model: model))
        default: return nil
        }
    }

    private static func gemini(_ method: Substring, _ model: String, _ query: Substring) -> InferenceRoute? {
        switch method {
        case "generateContent": return InferenceRoute(.gemini, model: model, isStreaming: false)
        case "countTokens": return InferenceRoute(.gemini, .countTokens, model: model, isStreaming: false)
        case "embedContent": return InferenceRoute(.gemini, .singleEmbedding, model: model, isStreaming: false)
        case "batchEmbedContents": return InferenceRoute(.gemini, .embeddings, model: model, isStreaming: false)
        case "streamGenerateContent":
            var route = InferenceRoute(.gemini, model: model, isStreaming: true)
            route.isArray = !query.split(separator: "&").contains { $0 == "alt=sse" || $0 == "$alt=sse" }
            return route
        default: return nil
        }
    }

    /// The methods that it takes, for `allow`.
    var allowed: String {
        switch self {
        case .inference, .modelDetails: "POST, OPTIONS"
        case .response: "GET, DELETE, OPTIONS"
        case .inputItems: "GET, OPTIONS"
        case .models, .model, .version, .health: "GET, HEAD, OPTIONS"
        }
    }

    /// Whether it takes `method`.
    func takes(_ method: HTTPMethod) -> Bool {
        switch self {
        case .inference, .modelDetails: method == .POST
        case .response: method == .GET || method == .DELETE
        case .inputItems: method == .GET
        case .models, .model, .version, .health: method == .GET || method == .HEAD
        }
    }

    /// What it asks the stack for; `nil` if the gateway answers by itself.
    func inference(_ method: HTTPMethod) -> InferenceRoute? {
        switch self {
        case .inference(let route): route
        case .response(let id):
            InferenceRoute(.openAIResponses, method == .DELETE ? .deleteResponse : .retrieveResponse, model: id)
        case .inputItems(let id): InferenceRoute(.openAIResponses, .listInputItems, model: id)
        case .models, .model, .modelDetails, .version, .health: nil
        }
    }

    /// Whether a key is asked for.
    var needsKey: Bool {
        if case .health = self { return false }
        return true
    }
}

/// A path that takes a request for a model.
struct InferenceRoute: Hashable {
    /// The client's dialect.
    var dialect: DialectID
    /// What is asked for.
    var operation: NeedletailCore.Operation
    /// The model's name, where the path has it.
    var model: String?
    /// Whether the reply is to be streamed, where the path says.
    var isStreaming: Bool?
    /// Whether a stream is to be one JSON array, as Gemini has it without `alt=sse`.
    var isArray = false

    init(
        _ dialect: DialectID, _ operation: NeedletailCore.Operation = .chat, model: String? = nil,
        isStreaming: Bool? = nil
    ) {
        self.dialect = dialect
        self.operation = operation
        self.model = model
        self.isStreaming = isStreaming
    }
}

extension InferenceRoute {
    /// A request without a body: about a response that was created before.
    func request(query: Substring) -> InferenceRequest {
        InferenceRequest(
            operation: self.operation,
            model: self.model ?? "",
            body: .wire(WireBody(dialect: self.dialect, bytes: ByteBuffer(substring: query)), BodyLandmarks()),
            replyDialect: self.dialect
        )
    }
}

extension HTTPRequestHead {
    /// The path of the request target, which may be a whole URL (RFC 9112, section 3.2.2).
    package var path: Substring {
        var target = self.uri[...]
        if let mark = self.queryMark { target = target[..<mark] }
        guard target.utf8.first != UInt8(ascii: "/") else { return target }
        for scheme in ["http://", "https://"] where target.prefix(scheme.count).lowercased() == scheme {
            let rest = target.dropFirst(scheme.count)
            return rest.utf8.firstIndex(of: UInt8(ascii: "/")).map { rest[$0...] } ?? "/"
        }
        return target
    }

    /// The query of the request target, without its mark; empty if there is none.
    package var query: Substring {
        guard let mark = self.queryMark else { return "" }
        return self.uri[self.uri.index(after: mark)...]
    }

    /// Where the query's mark is.
    private var queryMark: String.Index? {
        let uri = self.uri
        let bytes = uri.utf8.span
        for index in bytes.indices where bytes[index] == UInt8(ascii: "?") {
            return uri.utf8.index(uri.startIndex, offsetBy: index)
        }
        return nil
    }

    /// The dialect that errors and lists are written in.
    var errorDialect: DialectID {
        let path = self.path
        if path.hasPrefix("/v1/messages") { return .anthropicMessages }
        if path.hasPrefix("/v1/models") {
            if path.contains(":") { return .gemini }
            if self.headers.contains(name: "anthropic-version") { return .anthropicMessages }
            if self.headers.contains(name: "x-goog-api-key") || self.headers.contains(name: "x-goog-api-client") {
                return .gemini
            }
            return .openAIChat
        }
        if path.hasPrefix("/v1beta/") { return .gemini }
        if path.hasPrefix("/v1/responses") || path.hasPrefix("/responses") { return .openAIResponses }
        if path.hasPrefix("/api/") { return .ollamaChat }
        if path.hasPrefix("/model/") { return .bedrockConverse }
        if path.hasPrefix("/v2/") { return .cohereChat }
        return .openAIChat
    }
}

/// Percent signs in paths.
package enum PercentEncoding {
    /// The decoded text; `nil` for what is no UTF-8 or no encoding.
    package static func decoded(_ text: Substring) -> String? {
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
