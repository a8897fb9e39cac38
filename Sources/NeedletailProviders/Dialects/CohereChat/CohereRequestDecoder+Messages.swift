import NeedletailCore

extension CohereRequestDecoder {
    mutating func message(_ value: JSONView, _ path: String) throws(NeedletailError) {
        try OpenAIChatField.object(value, path)
        let role = try OpenAIChatField.required(value, "role", path)
        switch try OpenAIChatField.string(role, "\(path).role") {
        case "system": try self.plain(value, .system, path)
        case "developer": try self.plain(value, .developer, path)
        case "user": try self.plain(value, .user, path)
        case "assistant": try self.assistant(value, path)
        case "tool": try self.tool(result: value, path)
        case let other:
            throw OpenAIChatField.invalid(
                "\(path).role",
                "Invalid value for '\(path).role': '\(other)'; it must be one of 'system', 'user', 'assistant' and "
                    + "'tool'.")
        }
    }

    private mutating func plain(
        _ value: JSONView, _ role: ChatMessage.Role, _ path: String
    ) throws(NeedletailError) {
        let content = try OpenAIChatField.required(value, "content", path)
        self.request.messages.append(ChatMessage(role, try self.content(content, "\(path).content")))
        self.request.extensions.keepUnknown(value, known: ["role", "content"], path: "messages")
    }

    private mutating func assistant(_ value: JSONView, _ path: String) throws(NeedletailError) {
        var content: [ContentPart] = []
        if let plan = value.present("tool_plan") {
            let text = try OpenAIChatField.string(plan, "\(path).tool_plan")
            if !text.isEmpty { content.append(.text(TextPart(text))) }
        }
        if let given = value.present("content") { content += try self.content(given, "\(path).content") }
        // Some clients send an empty text beside calls, since their type demands one.
        content.removeAll { if case .text(let part) = $0 { part.text.isEmpty } else { false } }
        if let citations = value.present("citations"), citations.elements.contains(where: { _ in true }) {
            Self.attach(citations, to: &content)
        }
        if let calls = value.present("tool_calls") {
            try OpenAIChatField.array(calls, "\(path).tool_calls")
            for (index, call) in calls.elements.enumerated() {
                content.append(.toolCall(try self.call(call, "\(path).tool_calls[\(index)]")))
            }
        }
        self.request.messages.append(ChatMessage(.assistant, content))
        self.request.extensions.keepUnknown(
            value, known: ["role", "content", "tool_plan", "tool_calls", "citations"], path: "messages")
    }

    /// Puts citations on the last text.
    static func attach(_ citations: JSONView, to content: inout [ContentPart]) {
        for index in content.indices.reversed() {
            guard case .text(var part) = content[index] else { continue }
            part.citations = citations.text
            part.citationDialect = .cohereChat
            content[index] = .text(part)
            return
        }
    }

    private mutating func call(_ value: JSONView, _ path: String) throws(NeedletailError) -> ToolCall {
        let id = try OpenAIChatField.required(value, "id", path)
        let function = try OpenAIChatField.required(value, "function", path)
        let name = try OpenAIChatField.required(function, "name", "\(path).function")
        self.request.extensions.keepUnknown(
            value, known: ["id", "type", "function"], path: "messages.tool_calls")
        self.request.extensions.keepUnknown(
            function, known: ["name", "arguments"], path: "messages.tool_calls.function")
        return ToolCall(
            id: try OpenAIChatField.string(id, "\(path).id"),
            name: try OpenAIChatField.string(name, "\(path).function.name"),
            arguments: OpenAIChatRequestDecoder.arguments(function.present("arguments"))
        )
    }

    private mutating func tool(result value: JSONView, _ path: String) throws(NeedletailError) {
        let id = try OpenAIChatField.required(value, "tool_call_id", path)
        var result = ToolResult(callID: try OpenAIChatField.string(id, "\(path).tool_call_id"), content: [])
        if let content = value.present("content") {
            result.content = try self.content(content, "\(path).content", isOutput: true)
        }
        self.request.messages.append(ChatMessage(.tool, [.toolResult(result)]))
        self.request.extensions.keepUnknown(
            value, known: ["role", "content", "tool_call_id"], path: "messages")
    }

    /// - Parameter isOutput: Whether it is what a tool answered, which has the form of a document here alone.
    private mutating func content(
        _ value: JSONView, _ path: String, isOutput: Bool = false
    ) throws(NeedletailError) -> [ContentPart] {
        if let text = value.string { return [.text(TextPart(text))] }
        guard value.kind == .array else {
            throw OpenAIChatField.wrongType(path, "one of a string or array of objects", value)
        }
        var parts: [ContentPart] = []
        for (index, part) in value.elements.enumerated() {
            parts.append(try self.part(part, "\(path)[\(index)]", isOutput: isOutput))
        }
        return parts
    }

    private mutating func part(
        _ value: JSONView, _ path: String, isOutput: Bool
    ) throws(NeedletailError) -> ContentPart {
        try OpenAIChatField.object(value, path)
        let given = try OpenAIChatField.required(value, "type", path)
        let type = try OpenAIChatField.string(given, "\(path).type")
        switch type {
        case "text":
            let text = try OpenAIChatField.required(value, "text", path)
            self.request.extensions.keepUnknown(value, known: ["type", "text"], path: "messages.content")
            return .text(TextPart(try OpenAIChatField.string(text, "\(path).text")))
        case "thinking":
            let text = try OpenAIChatField.required(value, "thinking", path)
            self.request.extensions.keepUnknown(value, known: ["type", "thinking"], path: "messages.content")
            return .reasoning(ReasoningPart(try OpenAIChatField.string(text, "\(path).thinking")))
        case "image_url":
            let image = try OpenAIChatField.required(value, "image_url", path)
            self.request.extensions.keepUnknown(value, known: ["type", "image_url"], path: "messages.content")
            if let url = image.string { return .image(ImagePart(.openAI(url: url))) }
            let url = try OpenAIChatField.required(image, "url", "\(path).image_url")
            self.request.extensions.keepUnknown(
                image, known: ["url", "detail"], path: "messages.content.image_url")
            return .image(
                ImagePart(
                    .openAI(url: try OpenAIChatField.string(url, "\(path).image_url.url")),
                    detail: image.present("detail")?.string))
        case "document":
            let document = try OpenAIChatField.required(value, "document", path)
            self.request.extensions.keepUnknown(value, known: ["type", "document"], path: "messages.content")
            self.request.extensions.keepUnknown(document, known: ["data"], path: "messages.content.document")
            return isOutput
                ? .text(TextPart(CohereDocument.output(document))) : .document(CohereDocument.part(document))
        default: return .opaque(OpaquePart(dialect: .cohereChat, type: type, json: value.text))
        }
    }
}
