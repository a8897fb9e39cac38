import NIOCore
import NeedletailCore

extension OpenAIResponsesRequestEncoder {
    /// Writes `instructions` and `input`: a first system prompt of plain text is the instructions, all else are items.
    mutating func conversation(into json: inout JSONWriter) throws(NeedletailError) {
        var messages = self.request.messages[...]
        if let first = messages.first, first.role == .system, first.name == nil, first.content.count == 1,
            case .text(let text) = first.content[0], !text.text.isEmpty
        {
            json.member("instructions", text.text)
            self.marker(text.cacheMarker, isSystem: true)
            messages = messages.dropFirst()
        }
        json.key("input")
        json.beginArray()
        for message in messages { try self.message(message, into: &json) }
        json.endArray()
    }

    private mutating func marker(_ marker: CacheMarker?, isSystem: Bool = false) {
        guard marker != nil else { return }
        self.lose(isSystem ? .systemCacheMarker : .contentCacheMarker, "OpenAI caches prompts by itself")
    }

    /// Writes a message as the items that it consists of, in order.
    private mutating func message(_ message: ChatMessage, into json: inout JSONWriter) throws(NeedletailError) {
        if message.name != nil { self.lose(.messageName, "speakers have no names") }
        var speech: [ContentPart] = []
        var thoughts: [ReasoningPart] = []
        for part in message.content {
            if case .reasoning(let thought) = part, message.role == .assistant {
                try self.speech(message.role, &speech, into: &json)
                thoughts.append(thought)
                if thought.signature != nil { self.reasoning(&thoughts, into: &json) }
                continue
            }
            self.reasoning(&thoughts, into: &json)
            switch part {
            case .toolCall(let call):
                try self.speech(message.role, &speech, into: &json)
                self.call(call, into: &json)
            case .toolResult(let result):
                try self.speech(message.role, &speech, into: &json)
                try self.result(result, into: &json)
            case .redactedReasoning(let state):
                try self.speech(message.role, &speech, into: &json)
                Self.reasoning([], state: state, into: &json)
            case .reasoning: self.lose(.contentReasoning, "reasoning belongs to the assistant")
            case .opaque(let opaque):
                guard opaque.dialect == .openAIResponses else {
                    self.lose(.contentOpaque, "a part that only its own provider knows: \(opaque.type)")
                    continue
                }
                try self.speech(message.role, &speech, into: &json)
                json.raw(opaque.json)
            case .text, .image, .document, .audio, .refusal: speech.append(part)
            }
        }
        self.reasoning(&thoughts, into: &json)
        try self.speech(message.role, &speech, into: &json)
    }

    /// Writes the reasoning gathered so far. Without its provider's state OpenAI does not take another's reasoning.
    private mutating func reasoning(_ thoughts: inout [ReasoningPart], into json: inout JSONWriter) {
        guard let last = thoughts.last else { return }
        defer { thoughts = [] }
        guard last.signature != nil || self.isOwn else {
            self.lose(.contentReasoning, "OpenAI takes no reasoning back without its encrypted state")
            return
        }
        Self.reasoning(thoughts.map(\.text), state: last.signature, into: &json)
    }

    private static func reasoning(_ texts: [String], state: String?, into json: inout JSONWriter) {
        json.beginObject()
        json.member("type", "reasoning")
        json.key("summary")
        json.beginArray()
        for text in texts { OpenAIResponsesItemWriting.summary(text, into: &json) }
        json.endArray()
        json.member("encrypted_content", state)
        json.endObject()
    }

    private mutating func call(_ call: ToolCall, into json: inout JSONWriter) {
        self.marker(call.cacheMarker)
        if call.isCustom { self.customCalls.insert(call.id) }
        json.beginObject()
        json.member("type", call.isCustom ? "custom_tool_call" : "function_call")
        OpenAIResponsesItemWriting.callMembers(call, into: &json)
        json.endObject()
    }

    private mutating func result(_ result: ToolResult, into json: inout JSONWriter) throws(NeedletailError) {
        self.marker(result.cacheMarker)
        if result.name != nil, !self.isOwn, !self.request.usesLegacyFunctions {
            self.lose(.messageName, "results have no names")
        }
        var content = result.content
        if result.isError == true {
            self.lose(.toolResultIsError, "carried as the word Error before the result")
            content = Self.markedAsError(content)
        }
        json.beginObject()
        json.member(
            "type", self.customCalls.contains(result.callID) ? "custom_tool_call_output" : "function_call_output")
        json.member("call_id", result.callID)
        if self.isOwn { json.member("name", result.name) }
        json.key("output")
        if content.isEmpty {
            json.string("")
        } else if content.count == 1, case .text(let text) = content[0] {
            self.marker(self.isOwn ? nil : text.cacheMarker)
            json.string(text.text)
        } else {
            json.beginArray()
            for part in content { try self.part(part, .tool, into: &json) }
            json.endArray()
        }
        json.endObject()
    }

    private static func markedAsError(_ content: [ContentPart]) -> [ContentPart] {
        guard case .text(var text) = content.first else { return [.text(TextPart("Error"))] + content }
        if !text.text.lowercased().utf8.starts(with: "error".utf8) {
            text.text = text.text.isEmpty ? "Error" : "Error: " + text.text
        }
        return [.text(text)] + content.dropFirst()
    }

    /// Writes what is gathered of a message.
    private mutating func speech(
        _ role: ChatMessage.Role,
        _ parts: inout [ContentPart],
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        guard !parts.isEmpty else { return }
        json.beginObject()
        json.member("type", "message")
        json.member("role", role == .tool ? "user" : role.rawValue)
        json.key("content")
        if parts.count == 1, case .text(let text) = parts[0], text.citations == nil,
            text.cacheMarker == nil || !self.isOwn
        {
            self.marker(text.cacheMarker, isSystem: role == .system || role == .developer)
            json.string(text.text)
        } else {
            json.beginArray()
            for part in parts { try self.part(part, role, into: &json) }
            json.endArray()
        }
        json.endObject()
        parts = []
    }

    private mutating func part(
        _ part: ContentPart,
        _ role: ChatMessage.Role,
        into json: inout JSONWriter
    ) throws(NeedletailError) {
        switch part {
        case .text(let text): self.text(text, role, into: &json)
        case .refusal(let text):
            json.beginObject()
            json.member("type", "refusal")
            json.member("refusal", text)
            json.endObject()
        case .image(let image):
            guard role != .assistant else {
                return self.lose(.image, "messages of the assistant hold no images")
            }
            try self.image(image, into: &json)
        case .document(let document):
            guard role != .assistant else {
                return self.lose(.document, "messages of the assistant hold no documents")
            }
            try self.document(document, into: &json)
        case .audio(let audio):
            guard role != .assistant else {
                return self.lose(.audio, "messages of the assistant hold no sound")
            }
            guard self.isOwn else { throw self.unsupported(.audio, "The responses API takes no sound.") }
            json.beginObject()
            json.member("type", "input_audio")
            json.key("input_audio")
            json.beginObject()
            json.member("data", audio.data)
            json.member("format", audio.format)
            json.endObject()
            json.endObject()
        case .opaque(let opaque):
            if opaque.dialect == .openAIResponses {
                json.raw(opaque.json)
            } else {
                self.lose(.toolResultContent, "a part that only its own provider knows: \(opaque.type)")
            }
        case .toolCall, .toolResult, .reasoning, .redactedReasoning:
            self.lose(.toolResultContent, "a result holds text, images and files")
        }
    }

    private mutating func breakpoint(
        _ marker: CacheMarker?, _ role: ChatMessage.Role, into json: inout JSONWriter
    ) {
        guard self.isOwn else { return self.marker(marker, isSystem: role == .system || role == .developer) }
        guard marker != nil else { return }
        json.key("prompt_cache_breakpoint")
        json.beginObject()
        json.member("mode", "explicit")
        json.endObject()
    }

    private mutating func text(_ text: TextPart, _ role: ChatMessage.Role, into json: inout JSONWriter) {
        json.beginObject()
        json.member("type", role == .assistant ? "output_text" : "input_text")
        json.member("text", text.text)
        if role == .assistant {
            json.key("annotations")
            if let citations = text.citations, text.citationDialect == .openAIResponses {
                json.raw(citations)
            } else {
                json.beginArray()
                json.endArray()
            }
        }
        if text.citations != nil, role != .assistant || text.citationDialect != .openAIResponses {
            self.lose(.contentCitations, "sources of another dialect have no counterpart")
        }
        self.breakpoint(text.cacheMarker, role, into: &json)
        json.endObject()
    }

    private mutating func image(_ image: ImagePart, into json: inout JSONWriter) throws(NeedletailError) {
        json.beginObject()
        json.member("type", "input_image")
        switch image.source {
        case .base64(let mediaType, let data): json.member("image_url", "data:\(mediaType);base64,\(data)")
        case .url(let url): json.member("image_url", url)
        case .fileID(let id):
            guard self.isOwn || self.request.source == nil else {
                throw self.unsupported(.fileID, "The id of a file at one provider means nothing to another.")
            }
            json.member("file_id", id)
        case .text: throw self.unsupported(.image, "An image cannot be text.")
        }
        json.member("detail", image.detail ?? (self.isOwn ? nil : "auto"))
        self.breakpoint(image.cacheMarker, .user, into: &json)
        json.endObject()
    }

    private mutating func document(_ document: DocumentPart, into json: inout JSONWriter) throws(NeedletailError) {
        if document.context != nil { self.lose(.documentContext, "files carry no context") }
        if document.citationsEnabled == true { self.lose(.documentCitations, "files cannot be cited") }
        json.beginObject()
        switch document.source {
        case .text(let text):
            json.member("type", "input_text")
            json.member("text", document.title.map { "\($0)\n\n\(text)" } ?? text)
            self.lose(.document, "carried as text")
        case .base64(let mediaType, let data):
            json.member("type", "input_file")
            let name = mediaType == "application/pdf" ? "document.pdf" : "document"
            json.member("filename", document.title ?? (self.isOwn ? nil : name))
            json.member("file_data", "data:\(mediaType);base64,\(data)")
        case .url(let url):
            json.member("type", "input_file")
            json.member("file_url", url)
            if self.isOwn {
                json.member("filename", document.title)
            } else if document.title != nil {
                self.lose(.documentTitle, "a file at a URL has its own name")
            }
        case .fileID(let id):
            guard self.isOwn || self.request.source == nil else {
                throw self.unsupported(.fileID, "The id of a file at one provider means nothing to another.")
            }
            json.member("type", "input_file")
            json.member("file_id", id)
            if self.isOwn { json.member("filename", document.title) }
        }
        self.breakpoint(document.cacheMarker, .user, into: &json)
        json.endObject()
    }
}
