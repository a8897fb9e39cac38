import NeedletailCore
import NeedletailGateway

/// A surface of the API listener by a short name, and which one a body seems to be for.
enum ExplainedSurface: String, CaseIterable {
    case chat, messages, responses, gemini, completions, embeddings, moderations, rerank, bedrock, ollama
    case cohere

    /// The path that clients use.
    ///
    /// - Parameter model: Needed where the path holds it.
    func path(model: String?, isStreaming: Bool) throws(AdminError) -> String {
        switch self {
        case .chat: return "/v1/chat/completions"
        case .messages: return "/v1/messages"
        case .responses: return "/v1/responses"
        case .completions: return "/v1/completions"
        case .embeddings: return "/v1/embeddings"
        case .moderations: return "/v1/moderations"
        case .rerank: return "/v1/rerank"
        case .ollama: return "/api/chat"
        case .cohere: return "/v2/chat"
        case .gemini:
            let method = isStreaming ? "streamGenerateContent?alt=sse" : "generateContent"
            return "/v1beta/models/\(AdminClient.segment(try Self.needed(model))):\(method)"
        case .bedrock:
            return "/model/\(AdminClient.segment(try Self.needed(model)))/converse\(isStreaming ? "-stream" : "")"
        }
    }

    private static func needed(_ model: String?) throws(AdminError) -> String {
        guard let model, !model.isEmpty else {
            throw AdminError(
                400, "invalid_request",
                "This surface has the model in its path: name it as 'model' beside the request.")
        }
        return model
    }

    /// What a body's members say. A body that fits several is taken for the more common: `messages` for Chat
    /// Completions unless something in it is Anthropic's alone, `input` for Responses unless it is a list of texts or the
    /// model is one for embeddings.
    init(guessedFrom body: JSONView) {
        func has(_ names: StaticString...) -> Bool { names.contains { body.present($0) != nil } }
        if has("contents") {
            self = .gemini
        } else if has("messages") {
            let first = body["messages"]?.elements.first { _ in true }
            let parts = first?["content"]?.elements.map { $0 } ?? []
            if has("inferenceConfig", "toolConfig", "additionalModelRequestFields")
                || body["model"] == nil && parts.contains(where: { $0["type"] == nil && $0["text"] != nil })
            {
                self = .bedrock
            } else if has("system", "thinking", "stop_sequences", "anthropic_version")
                || body["tools"]?.elements.contains(where: { $0["input_schema"] != nil }) ?? false
            {
                self = .messages
            } else {
                self = has("options", "keep_alive") ? .ollama : .chat
            }
        } else if has("documents"), has("query") {
            self = .rerank
        } else if has("input") {
            let model = body["model"]?.string?.lowercased() ?? ""
            let isTexts = body["input"]?.elements.contains { $0.kind != .object } ?? false
            if model.contains("moderation") {
                self = .moderations
            } else {
                self =
                    isTexts || model.contains("embed") || has("encoding_format", "dimensions")
                    ? .embeddings : .responses
            }
        } else {
            self = has("prompt") ? .completions : .chat
        }
    }
}

extension ExplainedSurface {
    /// What is said beside a client's request about where it would be sent.
    struct Question {
        /// A surface's short name or a path; `nil` guesses by the request's members.
        var surface: String?
        /// The model, for a surface that has it in its path.
        var model: String?
        /// Whether a stream is asked for, where the path says so; `nil` for what the request says.
        var isStreaming: Bool?
    }

    /// Reads a client's request as its surface would.
    static func read(_ client: JSONView, _ question: Question) throws(AdminError) -> InferenceRequest {
        let isStreaming = question.isStreaming ?? client["stream"]?.bool ?? false
        let model = question.model ?? client["model"]?.string
        let path: String
        if let surface = question.surface {
            if surface.hasPrefix("/") {
                path = surface
            } else if let known = ExplainedSurface(rawValue: surface) {
                path = try known.path(model: model, isStreaming: isStreaming)
            } else {
                throw .unknown("surface", surface, among: ExplainedSurface.allCases.map(\.rawValue))
            }
        } else {
            path = try ExplainedSurface(guessedFrom: client).path(model: model, isStreaming: isStreaming)
        }
        do {
            return try SurfaceReader.read(client.text.bytes, path: path)
        } catch {
            throw AdminError(error.disposition.status, error.disposition.openAIType, error.message)
        }
    }
}
