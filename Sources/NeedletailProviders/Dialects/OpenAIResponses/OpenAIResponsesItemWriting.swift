import NIOCore
import NeedletailCore

/// What requests, replies and events write of items in the same words.
enum OpenAIResponsesItemWriting {
    /// A text of a summary.
    static func summary(_ text: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "summary_text")
        json.member("text", text)
        json.endObject()
    }

    /// The members of a call after its type and id.
    static func callMembers(_ call: ToolCall, into json: inout JSONWriter) {
        json.member("call_id", call.id)
        json.member("name", call.name)
        if call.isCustom {
            json.member("input", call.arguments)
        } else {
            json.member("arguments", call.arguments.isEmpty ? "{}" : call.arguments)
        }
    }

    /// An item of reasoning.
    static func reasoning(_ texts: [String], state: String?, id: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("type", "reasoning")
        json.key("summary")
        json.beginArray()
        for text in texts { self.summary(text, into: &json) }
        json.endArray()
        json.member("encrypted_content", state)
        json.endObject()
    }

    /// A call of the client's.
    static func call(_ call: ToolCall, id: String, status: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("type", call.isCustom ? "custom_tool_call" : "function_call")
        json.member("status", status)
        self.callMembers(call, into: &json)
        json.endObject()
    }

    /// An image as the item of the tool that makes images; `nil` if it is somewhere else.
    static func image(_ image: ImagePart, id: String) -> JSONText? {
        guard case .base64(let mediaType, let data) = image.source else { return nil }
        var json = JSONWriter()
        json.beginObject()
        json.member("id", id)
        json.member("type", "image_generation_call")
        json.member("status", "completed")
        json.member("output_format", String(mediaType.drop { $0 != "/" }.dropFirst()))
        json.member("result", data)
        json.endObject()
        return JSONText(unchecked: json.bytes)
    }

    /// A part of a message.
    static func part(_ part: OpenAIResponsesMessagePart, into json: inout JSONWriter) {
        json.beginObject()
        if part.isRefusal {
            json.member("type", "refusal")
            json.member("refusal", part.text)
        } else {
            json.member("type", "output_text")
            json.key("annotations")
            self.list(part.annotations, into: &json)
            json.key("logprobs")
            self.list(part.logprobs, into: &json)
            json.member("text", part.text)
        }
        json.endObject()
    }

    /// A message of the assistant.
    static func message(
        _ parts: [OpenAIResponsesMessagePart], id: String, status: String, into json: inout JSONWriter
    ) {
        json.beginObject()
        json.member("id", id)
        json.member("type", "message")
        json.member("status", status)
        json.key("content")
        json.beginArray()
        for part in parts { self.part(part, into: &json) }
        json.endArray()
        json.member("role", "assistant")
        json.endObject()
    }

    static func list(_ values: [JSONText], into json: inout JSONWriter) {
        json.beginArray()
        for value in values { json.raw(value) }
        json.endArray()
    }

    /// The elements of log probabilities in the form of chat completions.
    static func logprobs(_ chat: JSONText?) -> [JSONText] {
        guard let view = try? chat?.view(), let list = view.present("content") ?? view.present("refusal") else {
            return []
        }
        return list.elements.map { element in
            // Each of its members is required here, and not in every server's chat completions.
            guard element.kind == .object, element["top_logprobs"] == nil || element["bytes"] == nil else {
                return element.text
            }
            var json = JSONWriter()
            json.beginObject()
            for member in element.members {
                json.key(member.key)
                json.raw(member.value.text)
            }
            for key: StaticString in ["bytes", "top_logprobs"] where element[key] == nil {
                json.key(key)
                json.beginArray()
                json.endArray()
            }
            json.endObject()
            return JSONText(unchecked: json.bytes)
        }
    }
}

/// A part of a message as it is written.
struct OpenAIResponsesMessagePart {
    var isRefusal = false
    var text = ""
    var annotations: [JSONText] = []
    var logprobs: [JSONText] = []
}

/// The object around the items: what a response says of itself and of its request.
struct OpenAIResponsesEnvelope {
    /// The response's id; that of another dialect's reply gets this one's prefix.
    let id: String
    let created: Int64
    let model: String
    var serviceTier: String?
    let echo: [Extension]

    init(id: String, created: Int64, model: String, serviceTier: String?, echo: [Extension]) {
        self.id = id.hasPrefix("resp_") ? id : "resp_" + id
        self.created = created
        self.model = model
        self.serviceTier = serviceTier
        self.echo = echo
    }

    /// How a response stands.
    enum Status {
        case inProgress, completed
        case incomplete(reason: String)

        var word: String {
            switch self {
            case .inProgress: "in_progress"
            case .completed: "completed"
            case .incomplete: "incomplete"
            }
        }

        /// The status for a stop reason, and whether something is lost by it.
        init(_ reason: StopReason?, isRefusalText: Bool = false) {
            switch reason {
            case .maxTokens, .contextWindow: self = .incomplete(reason: "max_output_tokens")
            case .contentFilter: self = .incomplete(reason: "content_filter")
            case .refusal where isRefusalText: self = .incomplete(reason: "content_filter")
            default: self = .completed
            }
        }
    }

    /// The id of the item at a place of the output.
    func itemID(_ prefix: String, _ index: Int) -> String {
        "\(prefix)_\(self.id.dropFirst("resp_".count))_\(index)"
    }

    /// What a response says of a request that does not say it:
    /// <https://platform.openai.com/docs/api-reference/responses/object>.
    private static let defaults: [(StaticString, StaticString)] = [
        ("background", "false"), ("instructions", "null"), ("max_output_tokens", "null"), ("max_tool_calls", "null"),
        ("metadata", "{}"), ("parallel_tool_calls", "true"), ("previous_response_id", "null"),
        ("prompt_cache_key", "null"), ("reasoning", #"{"effort":null,"summary":null}"#), ("safety_identifier", "null"),
        ("store", "true"), ("temperature", "null"), ("text", #"{"format":{"type":"text"}}"#),
        ("tool_choice", #""auto""#), ("tools", "[]"), ("top_logprobs", "0"), ("top_p", "null"),
        ("truncation", #""disabled""#), ("user", "null"),
    ]

    /// Writes the response, but for the members that only the caller knows, which `more` adds.
    func write(
        _ status: Status, output: [JSONText], usage: Usage?, isOwn: Bool, into json: inout JSONWriter,
        more: (inout JSONWriter) -> Void = { _ in }
    ) {
        json.beginObject()
        json.member("id", self.id)
        json.member("object", "response")
        json.key("created_at")
        json.int(self.created)
        json.member("status", status.word)
        json.key("error")
        json.null()
        json.key("incomplete_details")
        if case .incomplete(let reason) = status {
            json.beginObject()
            json.member("reason", reason)
            json.endObject()
        } else {
            json.null()
        }
        json.member("model", self.model)
        json.key("output")
        OpenAIResponsesItemWriting.list(output, into: &json)
        for (key, value) in Self.defaults where !self.echo.contains(where: { $0.path == key.description }) {
            json.key(key)
            json.raw(JSONText(unchecked: value.description))
        }
        for member in self.echo {
            json.key(member.path)
            json.raw(member.value)
        }
        json.member("service_tier", self.serviceTier)
        json.key("usage")
        if let usage { OpenAIResponsesUsage.write(usage, isOwn: isOwn, into: &json) } else { json.null() }
        more(&json)
        json.endObject()
    }
}
