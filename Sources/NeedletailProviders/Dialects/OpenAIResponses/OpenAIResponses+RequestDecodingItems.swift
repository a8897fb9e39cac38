import NIOCore
import NeedletailCore

extension OpenAIResponsesRequestDecoder {
    /// Reads the conversation. Items of the assistant that follow each other are one turn.
    mutating func input(_ value: JSONView) throws(NeedletailError) {
        if let text = value.string {
            self.request.messages.append(ChatMessage(.user, text))
            return
        }
        guard value.kind == .array else {
            throw OpenAIChatField.wrongType("input", "one of a string or array of input items", value)
        }
        for (index, item) in value.elements.enumerated() { try self.item(item, "input[\(index)]") }
    }

    private mutating func item(_ item: JSONView, _ path: String) throws(NeedletailError) {
        try OpenAIChatField.object(item, path)
        let type = item.present("type")?.string
        switch type ?? (item.present("role") == nil ? "item_reference" : "message") {
        case "message": try self.message(item, path)
        case "function_call": try self.call(item, isCustom: false, path)
        case "custom_tool_call": try self.call(item, isCustom: true, path)
        case "function_call_output", "custom_tool_call_output": try self.result(item, path)
        case "reasoning": self.assist(self.reasoning(item))
        case "item_reference":
            guard item.present("id") != nil else { throw OpenAIChatField.missing("\(path).type") }
            self.need("input", "An 'item_reference' names an item that only its provider keeps.")
            self.assist([.opaque(OpaquePart(dialect: .openAIResponses, type: "item_reference", json: item.text))])
        case let type:
            if type == "compaction" || type == "compaction_summary" {
                self.need("input", "A conversation that its provider has compacted can be read by nobody else.")
            }
            let part = ContentPart.opaque(OpaquePart(dialect: .openAIResponses, type: type, json: item.text))
            // What the client answers is no speech of the assistant's.
            if type.hasSuffix("_output") || type == "mcp_approval_response" {
                self.request.messages.append(ChatMessage(.tool, [part]))
            } else {
                self.assist([part])
            }
        }
    }

    /// Adds to the assistant's turn.
    private mutating func assist(_ parts: [ContentPart]) {
        guard !parts.isEmpty else { return }
        if let last = self.request.messages.indices.last, self.request.messages[last].role == .assistant {
            self.request.messages[last].content += parts
        } else {
            self.request.messages.append(ChatMessage(.assistant, parts))
        }
    }

    private mutating func message(_ item: JSONView, _ path: String) throws(NeedletailError) {
        let role = try OpenAIChatField.required(item, "role", path)
        guard let content = item.present("content") else { throw OpenAIChatField.missing("\(path).content") }
        let parts = try self.content(content, "\(path).content")
        self.keepUnknown(item, known: ["type", "role", "content", "id", "status"], path: "input")
        switch try OpenAIChatField.string(role, "\(path).role") {
        case "user": self.request.messages.append(ChatMessage(.user, parts))
        case "system": self.request.messages.append(ChatMessage(.system, parts))
        case "developer": self.request.messages.append(ChatMessage(.developer, parts))
        case "assistant": self.assist(parts)
        case let other:
            throw OpenAIChatField.invalid(
                "\(path).role",
                "Invalid value: '\(other)'. Supported values are: 'assistant', 'system', 'developer', and 'user'.")
        }
    }

    private mutating func call(_ item: JSONView, isCustom: Bool, _ path: String) throws(NeedletailError) {
        let id = try OpenAIChatField.required(item, "call_id", path)
        let name = try OpenAIChatField.required(item, "name", path)
        let key: StaticString = isCustom ? "input" : "arguments"
        let call = ToolCall(
            id: try OpenAIChatField.string(id, "\(path).call_id"),
            name: try OpenAIChatField.string(name, "\(path).name"),
            arguments: OpenAIChatRequestDecoder.arguments(item.present(key)),
            isCustom: isCustom
        )
        self.keepUnknown(item, known: ["type", "id", "status", "call_id", "name", key], path: "input")
        self.assist([.toolCall(call)])
    }

    private mutating func result(_ item: JSONView, _ path: String) throws(NeedletailError) {
        let id = try OpenAIChatField.required(item, "call_id", path)
        let output = try OpenAIChatField.required(item, "output", path)
        var result = ToolResult(callID: try OpenAIChatField.string(id, "\(path).call_id"), content: [])
        result.content = try self.content(output, "\(path).output")
        result.name = item.present("name")?.string
        self.keepUnknown(item, known: ["type", "id", "status", "call_id", "output", "name"], path: "input")
        self.request.messages.append(ChatMessage(.tool, [.toolResult(result)]))
    }

    private mutating func reasoning(_ item: JSONView) -> [ContentPart] {
        self.keepUnknown(
            item, known: ["type", "id", "status", "summary", "content", "encrypted_content"], path: "input")
        return OpenAIResponsesReasoning.parts(item)
    }

    /// Reads the content of a message or the output of a tool.
    private mutating func content(_ value: JSONView, _ path: String) throws(NeedletailError) -> [ContentPart] {
        if let text = value.string { return [.text(TextPart(text))] }
        guard value.kind == .array else {
            throw OpenAIChatField.wrongType(path, "one of a string or array of objects", value)
        }
        var parts: [ContentPart] = []
        for (index, part) in value.elements.enumerated() { parts.append(try self.part(part, "\(path)[\(index)]")) }
        return parts
    }

    private mutating func part(_ value: JSONView, _ path: String) throws(NeedletailError) -> ContentPart {
        try OpenAIChatField.object(value, path)
        let given = try OpenAIChatField.required(value, "type", path)
        let marker = value.present("prompt_cache_breakpoint").map { _ in CacheMarker() }
        var known: [StaticString] = ["type", "prompt_cache_breakpoint"]
        let part: ContentPart
        switch try OpenAIChatField.string(given, "\(path).type") {
        case "input_text", "output_text", "text", "summary_text", "reasoning_text":
            known += ["text", "annotations", "logprobs"]
            let text = try OpenAIChatField.required(value, "text", path)
            var spoken = TextPart(try OpenAIChatField.string(text, "\(path).text"), cacheMarker: marker)
            OpenAIResponsesItem.cite(value, in: &spoken)
            part = .text(spoken)
        case "refusal":
            known.append("refusal")
            let refusal = try OpenAIChatField.required(value, "refusal", path)
            part = .refusal(try OpenAIChatField.string(refusal, "\(path).refusal"))
        case "input_image":
            known += ["image_url", "file_id", "detail"]
            part = .image(try self.image(value, marker, path))
        case "input_file":
            known += ["file_data", "file_id", "file_url", "filename"]
            part = .document(try self.file(value, marker, path))
        case "input_audio":
            known.append("input_audio")
            let audio = try OpenAIChatField.required(value, "input_audio", path)
            let data = try OpenAIChatField.required(audio, "data", "\(path).input_audio")
            part = .audio(
                AudioPart(
                    data: try OpenAIChatField.string(data, "\(path).input_audio.data"),
                    format: audio.present("format")?.string))
        case let type: return .opaque(OpaquePart(dialect: .openAIResponses, type: type, json: value.text))
        }
        self.keepUnknown(value, known: known, path: "input.content")
        return part
    }

    private func image(
        _ value: JSONView, _ marker: CacheMarker?, _ path: String
    ) throws(NeedletailError) -> ImagePart {
        let source: MediaSource
        if let url = value.present("image_url") {
            // Clients of chat completions write an object here.
            let string = try OpenAIChatField.string(url.present("url") ?? url, "\(path).image_url")
            source = .openAI(url: string)
        } else if let id = value.present("file_id") {
            source = .fileID(try OpenAIChatField.string(id, "\(path).file_id"))
        } else {
            throw OpenAIChatField.missing("\(path).image_url")
        }
        var detail: String?
        if let given = value.present("detail") { detail = try OpenAIChatField.string(given, "\(path).detail") }
        return ImagePart(source, detail: detail, cacheMarker: marker)
    }

    private func file(
        _ value: JSONView, _ marker: CacheMarker?, _ path: String
    ) throws(NeedletailError) -> DocumentPart {
        let source: MediaSource
        if let data = value.present("file_data") {
            let string = try OpenAIChatField.string(data, "\(path).file_data")
            source = .openAI(url: string)
            if case .url(let url) = source, !url.contains(":") {
                return DocumentPart(
                    .base64(mediaType: "application/pdf", data: string), title: value.present("filename")?.string,
                    cacheMarker: marker)
            }
        } else if let url = value.present("file_url") {
            source = .openAI(url: try OpenAIChatField.string(url, "\(path).file_url"))
        } else if let id = value.present("file_id") {
            source = .fileID(try OpenAIChatField.string(id, "\(path).file_id"))
        } else {
            throw OpenAIChatField.missing("\(path).file_data")
        }
        return DocumentPart(source, title: value.present("filename")?.string, cacheMarker: marker)
    }
}
