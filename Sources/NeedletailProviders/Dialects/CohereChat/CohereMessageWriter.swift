import NeedletailCore

/// Writes the conversation of a request, and takes its documents out, which stand beside it.
struct CohereMessageWriter {
    private let request: ChatRequest
    private(set) var report: LossReport
    /// The documents, all of text.
    private(set) var documents: [DocumentPart] = []
    /// Images of tool results, which follow in a message of the user.
    private var media: [ContentPart] = []

    init(_ request: ChatRequest, _ report: LossReport) {
        self.request = request
        self.report = report
    }

    mutating func write(into json: inout JSONWriter) throws(NeedletailError) {
        json.key("messages")
        json.beginArray()
        for message in self.request.messages {
            var rest: [ContentPart] = []
            var hasResults = false
            for part in message.content {
                if case .toolResult(let result) = part {
                    hasResults = true
                    self.result(result, into: &json)
                } else {
                    rest.append(part)
                }
            }
            if hasResults, rest.isEmpty { continue }
            if message.role == .assistant {
                try self.flushMedia(into: &json)
                try self.assistant(rest, into: &json)
            } else {
                try self.speech(message.role, rest, into: &json)
            }
        }
        try self.flushMedia(into: &json)
        json.endArray()
    }

    private mutating func flushMedia(into json: inout JSONWriter) throws(NeedletailError) {
        guard !self.media.isEmpty else { return }
        let media = self.media
        self.media = []
        try self.speech(.user, media, into: &json)
    }

    private mutating func result(_ result: ToolResult, into json: inout JSONWriter) {
        let content = ToolResultText(result, &self.report)
        self.media += content.media
        json.beginObject()
        json.member("role", "tool")
        json.member("tool_call_id", result.callID)
        json.member("content", content.text)
        json.endObject()
    }

    private mutating func speech(
        _ role: ChatMessage.Role, _ content: [ContentPart], into json: inout JSONWriter
    ) throws(NeedletailError) {
        var rest: [ContentPart] = []
        var hasDocument = false
        for part in content where self.keeps(part) {
            if try self.takeDocument(part) { hasDocument = true } else { rest.append(part) }
        }
        // Nothing can be carried of what was said.
        if rest.isEmpty, !hasDocument, !content.isEmpty { return }
        json.beginObject()
        json.member("role", role == .system || role == .developer ? "system" : "user")
        json.key("content")
        if rest.count == 1, case .text(let part) = rest[0] {
            json.string(part.text)
        } else {
            json.beginArray()
            for part in rest { try self.part(part, into: &json) }
            // A message of documents alone still needs something to be said.
            if rest.isEmpty { Self.text("", into: &json) }
            json.endArray()
        }
        json.endObject()
    }

    private mutating func takeDocument(_ part: ContentPart) throws(NeedletailError) -> Bool {
        guard case .document(let document) = part else { return false }
        guard DocumentText.content(document.source) != nil else {
            throw self.report.refusal(
                ModelField.document.at(document.source), "This provider takes documents as text alone.")
        }
        self.documents.append(document)
        return true
    }

    /// Whether a part has a place in Cohere's messages; reported where it has none.
    private mutating func keeps(_ part: ContentPart) -> Bool {
        switch part {
        case .redactedReasoning: return false  // reported with the request
        case .opaque(let part) where part.dialect != .cohereChat:
            self.report.lose(.contentOpaque, "A part that only its own provider knows: \(part.type).")
            return false
        default: return true
        }
    }

    private static func text(_ text: String, into json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "text")
        json.member("text", text)
        json.endObject()
    }

    private mutating func part(_ part: ContentPart, into json: inout JSONWriter) throws(NeedletailError) {
        switch part {
        case .text(let part): Self.text(part.text, into: &json)
        case .refusal(let text): Self.text(text, into: &json)
        case .image(let image): try self.image(image, into: &json)
        case .reasoning(let part):
            json.beginObject()
            json.member("type", "thinking")
            json.member("thinking", part.text)
            json.endObject()
        case .audio: throw self.report.refusal(.audio, "This provider takes no sound.")
        case .opaque(let part): json.raw(part.json)
        case .document, .redactedReasoning, .toolCall, .toolResult: break  // reported or written elsewhere
        }
    }

    private func image(_ image: ImagePart, into json: inout JSONWriter) throws(NeedletailError) {
        let url: String
        switch image.source {
        case .base64(let mediaType, let data): url = "data:\(mediaType);base64,\(data)"
        case .url(let given): url = given
        case .fileID, .text:
            throw self.report.refusal(
                ModelField.image.at(image.source), "This provider takes images by URL or in base64.")
        }
        json.beginObject()
        json.member("type", "image_url")
        json.key("image_url")
        json.beginObject()
        json.member("url", url)
        json.member("detail", image.detail)
        json.endObject()
        json.endObject()
    }

    private mutating func assistant(
        _ content: [ContentPart], into json: inout JSONWriter
    ) throws(NeedletailError) {
        var parts: [ContentPart] = []
        var calls: [ToolCall] = []
        var citations: [JSONText] = []
        for part in content where self.keeps(part) {
            switch part {
            case .toolCall(let call): calls.append(call)
            case .image: self.report.lose(.image, "Messages of the assistant hold no images.")
            case .document: self.report.lose(.document, "Messages of the assistant hold no documents.")
            case .text(let text):
                parts.append(part)
                guard text.citationDialect == .cohereChat, let list = try? text.citations?.view() else { continue }
                for citation in list.elements { citations.append(citation.text) }
            default: parts.append(part)
            }
        }
        // Nothing can be carried of what was said.
        if parts.isEmpty, calls.isEmpty, !content.isEmpty { return }
        json.beginObject()
        json.member("role", "assistant")
        if !parts.isEmpty || calls.isEmpty {
            json.key("content")
            if parts.count == 1, case .text(let part) = parts[0] {
                json.string(part.text)
            } else if parts.isEmpty {
                json.string("")
            } else {
                json.beginArray()
                for part in parts { try self.part(part, into: &json) }
                json.endArray()
            }
        }
        if !citations.isEmpty {
            json.key("citations")
            json.beginArray()
            for citation in citations { json.raw(citation) }
            json.endArray()
        }
        CohereCall.write(calls, into: &json)
        json.endObject()
    }
}

/// Calls of tools in Cohere's form.
enum CohereCall {
    static func write(_ calls: [ToolCall], into json: inout JSONWriter) {
        guard !calls.isEmpty else { return }
        json.key("tool_calls")
        json.beginArray()
        for call in calls {
            json.beginObject()
            json.member("id", call.id)
            json.member("type", "function")
            json.key("function")
            json.beginObject()
            json.member("name", call.name)
            json.member("arguments", Self.arguments(call))
            json.endObject()
            json.endObject()
        }
        json.endArray()
    }

    /// Arguments as a JSON object in a string; free text becomes its member `input`.
    static func arguments(_ call: ToolCall) -> String {
        if call.isCustom { return SerialCalls.object(input: call.arguments) }
        return call.arguments.isEmpty ? "{}" : call.arguments
    }
}
