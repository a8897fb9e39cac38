import NeedletailCore

/// Writes the conversation of a request: messages of text, with the images beside it.
struct OllamaMessageWriter {
    private let request: ChatRequest
    private(set) var report: LossReport
    /// The names of the tools called so far, which results give.
    private var toolNames: [String: String] = [:]
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
            if message.role == .assistant { try self.flushMedia(into: &json) }
            try self.message(message.role, rest, into: &json)
        }
        try self.flushMedia(into: &json)
        json.endArray()
    }

    private mutating func flushMedia(into json: inout JSONWriter) throws(NeedletailError) {
        guard !self.media.isEmpty else { return }
        let media = self.media
        self.media = []
        try self.message(.user, media, into: &json)
    }

    private mutating func result(_ result: ToolResult, into json: inout JSONWriter) {
        let content = ToolResultText(result, &self.report)
        self.media += content.media
        json.beginObject()
        json.member("role", "tool")
        json.member("content", content.text)
        json.member("tool_name", result.name ?? self.toolNames[result.callID])
        json.member("tool_call_id", result.callID)
        json.endObject()
    }

    private mutating func message(
        _ role: ChatMessage.Role, _ content: [ContentPart], into json: inout JSONWriter
    ) throws(NeedletailError) {
        var texts: [String] = []
        var thinking = ""
        var images: [String] = []
        var calls: [ToolCall] = []
        for part in content {
            switch part {
            case .text(let part): texts.append(part.text)
            case .refusal(let text): texts.append(text)
            case .reasoning(let part): thinking += part.text
            case .image(let image): images.append(try Self.data(image, self.report))
            case .document(let document):
                guard let text = DocumentText.text(document) else {
                    throw self.report.refusal(
                        ModelField.document.at(document.source), "This provider takes documents as text alone.")
                }
                self.report.lose(.document, "Carried as text.")
                texts.append(text)
            case .toolCall(let call): calls.append(call)
            case .audio: throw self.report.refusal(.audio, "This provider takes no sound.")
            case .opaque(let part):
                self.report.lose(.contentOpaque, "A part that only its own provider knows: \(part.type).")
            case .redactedReasoning, .toolResult: break  // reported with the request, or written before
            }
        }
        json.beginObject()
        json.member("role", Self.word(role))
        json.member("content", texts.joined(separator: "\n"))
        if !thinking.isEmpty { json.member("thinking", thinking) }
        if !images.isEmpty {
            json.key("images")
            json.beginArray()
            for image in images { json.string(image) }
            json.endArray()
        }
        self.calls(calls, into: &json)
        json.endObject()
    }

    private static func word(_ role: ChatMessage.Role) -> String {
        switch role {
        case .system, .developer: "system"
        case .assistant: "assistant"
        case .user, .tool: "user"
        }
    }

    /// The data of an image, which must be in the request itself.
    static func data(_ image: ImagePart, _ report: LossReport) throws(NeedletailError) -> String {
        switch image.source {
        case .base64(_, let data): return data
        case .url: throw report.refusal(.imageURL, "This provider takes images only inside the request.")
        case .fileID, .text:
            throw report.refusal(ModelField.image.at(image.source), "This provider takes images only in base64.")
        }
    }

    private mutating func calls(_ calls: [ToolCall], into json: inout JSONWriter) {
        guard !calls.isEmpty else { return }
        json.key("tool_calls")
        json.beginArray()
        for call in calls {
            self.toolNames[call.id] = call.name
            if !OllamaCall.write(call, into: &json) {
                self.report.lose(
                    named: self.request.source == .anthropicMessages
                        ? "messages.content.input" : "messages.tool_calls.function.arguments",
                    "Arguments are a JSON object.")
            }
        }
        json.endArray()
    }
}

/// A call of a tool in Ollama's form.
enum OllamaCall {
    /// Writes a call; free text becomes the member `input` of an object.
    ///
    /// - Returns: Whether the arguments were an object; `{}` is written where they were not.
    static func write(_ call: ToolCall, into json: inout JSONWriter) -> Bool {
        let object = call.isCustom ? nil : ToolArguments.object(call.arguments)
        json.beginObject()
        json.member("id", call.id)
        json.key("function")
        json.beginObject()
        json.member("name", call.name)
        json.key("arguments")
        if call.isCustom {
            json.beginObject()
            json.member("input", call.arguments)
            json.endObject()
        } else {
            json.raw(object ?? JSONText(unchecked: "{}"))
        }
        json.endObject()
        json.endObject()
        return call.isCustom || object != nil
    }
}
