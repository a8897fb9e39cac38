import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailProviders

/// Writes lists of models, in the shape that the client's SDK reads.
enum ModelsReply {
    /// The whole list, on one page.
    static func make(_ models: [ListedModel], dialect: DialectID) -> EdgeResponse {
        let shape = Shape(dialect)
        var json = JSONWriter()
        json.beginObject()
        if shape == .openAI { json.member("object", "list") }
        json.key(shape == .gemini || shape == .ollama ? "models" : "data")
        json.beginArray()
        for model in models { self.write(model, shape, into: &json) }
        json.endArray()
        if shape == .anthropic {
            json.key("has_more")
            json.bool(false)
            json.key("first_id")
            if let first = models.first { json.string(first.id) } else { json.null() }
            json.key("last_id")
            if let last = models.last { json.string(last.id) } else { json.null() }
        }
        json.endObject()
        return EdgeResponse(status: 200, headers: [.contentType: "application/json"], body: json.bytes)
    }

    /// One model.
    static func make(_ model: ListedModel, dialect: DialectID) -> EdgeResponse {
        var json = JSONWriter()
        self.write(model, Shape(dialect), into: &json)
        return EdgeResponse(status: 200, headers: [.contentType: "application/json"], body: json.bytes)
    }

    /// The version of Ollama whose API the surface speaks; clients look at it before they use what came later.
    private static let ollamaVersion = "0.13.0"

    /// What `/api/version` says.
    static func version() -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        json.member("version", Self.ollamaVersion)
        json.endObject()
        return EdgeResponse(status: 200, headers: [.contentType: "application/json"], body: json.bytes)
    }

    /// What `/api/show` says of a model. Files and templates are known to nobody here.
    static func details(of model: ListedModel) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        for key: StaticString in ["modelfile", "parameters", "template", "license"] { json.member(key, "") }
        json.member("modified_at", HTTPDate.internetText(model.created ?? 0))
        json.key("details")
        json.beginObject()
        json.member("family", model.owner)
        json.endObject()
        json.key("model_info")
        json.beginObject()
        json.endObject()
        json.key("capabilities")
        json.beginArray()
        for capability in ["completion", "tools"] { json.string(capability) }
        json.endArray()
        json.endObject()
        return EdgeResponse(status: 200, headers: [.contentType: "application/json"], body: json.bytes)
    }

    /// The shapes that there are; other dialects have no list of their own.
    private enum Shape {
        case openAI, anthropic, gemini, ollama

        init(_ dialect: DialectID) {
            switch dialect {
            case .anthropicMessages: self = .anthropic
            case .gemini: self = .gemini
            case .ollamaChat, .ollamaGenerate: self = .ollama
            case .openAIChat, .openAIResponses, .openAICompletions, .cohereChat, .bedrockConverse: self = .openAI
            }
        }
    }

    private static func write(_ model: ListedModel, _ shape: Shape, into json: inout JSONWriter) {
        json.beginObject()
        switch shape {
        case .openAI:
            json.member("id", model.id)
            json.member("object", "model")
            json.key("created")
            json.int(model.created ?? 0)
            json.member("owned_by", model.owner)
        case .anthropic:
            json.member("type", "model")
            json.member("id", model.id)
            json.member("display_name", model.id)
            // Its documentation: an epoch value where the date is unknown.
            json.member("created_at", HTTPDate.internetText(model.created ?? 0))
        case .gemini:
            json.member("name", "models/" + model.id)
            json.member("displayName", model.id)
            json.key("supportedGenerationMethods")
            json.beginArray()
            for method in ["generateContent", "streamGenerateContent", "countTokens"] { json.string(method) }
            json.endArray()
        case .ollama:
            json.member("name", model.id)
            json.member("model", model.id)
            json.member("modified_at", HTTPDate.internetText(model.created ?? 0))
            json.key("size")
            json.int(0)
            json.member("digest", "")
            json.key("details")
            json.beginObject()
            json.member("family", model.owner)
            json.endObject()
        }
        json.endObject()
    }
}
