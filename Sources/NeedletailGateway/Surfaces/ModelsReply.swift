import HTTPTypes
import NIOCore
import NeedletailCore

/// Writes lists of models.
enum ModelsReply {
    /// The whole list, on one page.
    static func make(_ models: [ListedModel], dialect: DialectID) -> EdgeResponse {
        var json = JSONWriter()
        json.beginObject()
        if dialect == .openAIChat {
            json.key("object")
            json.string("list")
        }
        json.key("data")
        json.beginArray()
        for model in models { self.write(model, dialect: dialect, into: &json) }
        json.endArray()
        if dialect == .anthropicMessages {
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
        self.write(model, dialect: dialect, into: &json)
        return EdgeResponse(status: 200, headers: [.contentType: "application/json"], body: json.bytes)
    }

    private static func write(_ model: ListedModel, dialect: DialectID, into json: inout JSONWriter) {
        json.beginObject()
        switch dialect {
        case .openAIChat:
            json.member("id", model.id)
            json.member("object", "model")
            json.key("created")
            json.int(model.created ?? 0)
            json.member("owned_by", model.owner)
        case .anthropicMessages:
            json.member("type", "model")
            json.member("id", model.id)
            json.member("display_name", model.id)
            // Its documentation: an epoch value where the date is unknown.
            json.member("created_at", HTTPDate.internetText(model.created ?? 0))
        }
        json.endObject()
    }
}
