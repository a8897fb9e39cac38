import NeedletailCore

/// The state of reading one request of a client.
struct OllamaRequestDecoder {
    let kind: OllamaKind
    var request = ChatRequest(model: "")
    /// Calls that no result has answered yet: results name the tool, or nothing.
    private var openCalls: [ToolCall] = []

    init(_ kind: OllamaKind) {
        self.kind = kind
    }

    mutating func decode(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        self.request.source = self.kind.dialect
        self.request.isStreaming = true
        guard let model = root.present("model") else { throw OpenAIChatField.missing("model") }
        self.request.model = try OpenAIChatField.string(model, "model")
        for member in root.members where !member.value.isNull {
            if try self.shared(member.key, member.value) { continue }
            switch self.kind {
            case .chat: try self.chat(member.key, member.value)
            case .generate: try self.generate(member.key, member.value)
            }
        }
        if self.kind == .generate { try self.prompt(root) }
        return self.request
    }

    /// Reads what both kinds have; `false` for another field.
    private mutating func shared(_ key: String, _ value: JSONView) throws(NeedletailError) -> Bool {
        switch key {
        case "model": break
        case "stream": self.request.isStreaming = try OpenAIChatField.bool(value, key)
        case "options": try self.options(value)
        case "format": try self.format(value)
        case "think": try self.think(value)
        case "logprobs": self.request.logprobs = try OpenAIChatField.bool(value, key)
        case "top_logprobs": self.request.topLogprobs = try OpenAIChatField.int(value, key, least: 0)
        default: return false
        }
        return true
    }

    private mutating func chat(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        case "messages":
            try OpenAIChatField.array(value, key)
            for (index, message) in value.elements.enumerated() { try self.message(message, index) }
        case "tools":
            try OpenAIChatField.array(value, key)
            for (index, tool) in value.elements.enumerated() { try self.tool(tool, "tools[\(index)]") }
        default: self.request.extensions.append(Extension(key, value.text))
        }
    }

    private mutating func generate(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        case "prompt", "system", "images": break
        case "suffix", "template":
            // Ollama's own SDKs send what was left out as an empty string.
            guard !(try OpenAIChatField.string(value, key)).isEmpty else { return }
            self.request.extensions.append(Extension(key, value.text))
        case "raw":
            guard try OpenAIChatField.bool(value, key) else { return }
            self.request.extensions.append(Extension(key, value.text))
        case "context":
            try OpenAIChatField.array(value, key)
            guard value.elements.contains(where: { _ in true }) else { return }
            self.request.extensions.append(Extension(key, value.text))
        default: self.request.extensions.append(Extension(key, value.text))
        }
    }

    private mutating func prompt(_ root: JSONView) throws(NeedletailError) {
        if let system = root.present("system") {
            let text = try OpenAIChatField.string(system, "system")
            if !text.isEmpty { self.request.messages.append(.system(text)) }
        }
        var content: [ContentPart] = []
        if let prompt = root.present("prompt") {
            let text = try OpenAIChatField.string(prompt, "prompt")
            if !text.isEmpty { content.append(.text(TextPart(text))) }
        }
        if let images = root.present("images") { content += try self.images(images, "images") }
        if !content.isEmpty { self.request.messages.append(ChatMessage(.user, content)) }
    }

    // MARK: Messages

    private mutating func message(_ value: JSONView, _ index: Int) throws(NeedletailError) {
        let path = "messages[\(index)]"
        try OpenAIChatField.object(value, path)
        let role = try OpenAIChatField.required(value, "role", path)
        var content: [ContentPart] = []
        if let thinking = value.present("thinking") {
            let text = try OpenAIChatField.string(thinking, "\(path).thinking")
            if !text.isEmpty { content.append(.reasoning(ReasoningPart(text))) }
        }
        var text = ""
        if let given = value.present("content") { text = try OpenAIChatField.string(given, "\(path).content") }
        if !text.isEmpty { content.append(.text(TextPart(text))) }
        if let images = value.present("images") { content += try self.images(images, "\(path).images") }
        var known: [StaticString] = ["role", "content", "images", "thinking"]
        let spelled = try OpenAIChatField.string(role, "\(path).role")
        switch spelled {
        case "system", "developer", "user":
            if content.isEmpty { content.append(.text(TextPart(""))) }
            let role: ChatMessage.Role = spelled == "user" ? .user : spelled == "system" ? .system : .developer
            self.request.messages.append(ChatMessage(role, content))
        case "assistant":
            known.append("tool_calls")
            content += try self.calls(value, index, path)
            self.request.messages.append(ChatMessage(.assistant, content))
        case "tool":
            known += ["tool_name", "tool_call_id", "name"]
            self.request.messages.append(ChatMessage(.tool, [.toolResult(self.result(value, index, content))]))
        default:
            throw OpenAIChatField.invalid(
                "\(path).role",
                "invalid role: '\(spelled)'; it must be one of 'system', 'user', 'assistant' and 'tool'.")
        }
        self.request.extensions.keepUnknown(value, known: known, path: "messages", ignoresEmptyArrays: true)
    }

    private func images(_ value: JSONView, _ path: String) throws(NeedletailError) -> [ContentPart] {
        try OpenAIChatField.array(value, path)
        var parts: [ContentPart] = []
        for (index, image) in value.elements.enumerated() {
            let data = try OpenAIChatField.string(image, "\(path)[\(index)]")
            parts.append(.image(ImagePart(OllamaImage.source(data))))
        }
        return parts
    }

    private mutating func calls(
        _ message: JSONView, _ index: Int, _ path: String
    ) throws(NeedletailError) -> [ContentPart] {
        guard let list = message.present("tool_calls") else { return [] }
        try OpenAIChatField.array(list, "\(path).tool_calls")
        self.openCalls = []
        for (number, value) in list.elements.enumerated() {
            let place = "\(path).tool_calls[\(number)]"
            let function = try OpenAIChatField.required(value, "function", place)
            let name = try OpenAIChatField.required(function, "name", "\(place).function")
            let id = value.present("id")?.string ?? ""
            self.openCalls.append(
                ToolCall(
                    id: id.isEmpty ? "call_\(index)_\(number)" : id,
                    name: try OpenAIChatField.string(name, "\(place).function.name"),
                    arguments: OpenAIChatRequestDecoder.arguments(function.present("arguments"))
                ))
            self.request.extensions.keepUnknown(
                value, known: ["id", "type", "function"], path: "messages.tool_calls", ignoresEmptyArrays: true)
            self.request.extensions.keepUnknown(
                function, known: ["index", "name", "arguments"], path: "messages.tool_calls.function",
                ignoresEmptyArrays: true)
        }
        return self.openCalls.map { .toolCall($0) }
    }

    /// A result belongs to the call of its id, else to the first open call of its tool, else to the first open call.
    private mutating func result(_ value: JSONView, _ index: Int, _ content: [ContentPart]) -> ToolResult {
        let name = (value.present("tool_name") ?? value.present("name"))?.string
        let id = value.present("tool_call_id")?.string
        let place =
            self.openCalls.firstIndex { $0.id == id } ?? self.openCalls.firstIndex { $0.name == name }
            ?? self.openCalls.indices.first
        var result = ToolResult(callID: id ?? "call_\(index)_result", content: content)
        result.name = name
        if let place, id == nil || self.openCalls[place].id == id {
            let call = self.openCalls.remove(at: place)
            result.callID = call.id
            result.name = name ?? call.name
        }
        return result
    }

    // MARK: Tools and options

    private mutating func tool(_ value: JSONView, _ path: String) throws(NeedletailError) {
        try OpenAIChatField.object(value, path)
        let type = value.present("type")?.string ?? "function"
        guard type == "function" else {
            self.request.tools.append(
                Tool(name: type, kind: .provider(type: type, definition: value.text, dialect: self.kind.dialect)))
            return
        }
        let function = try OpenAIChatField.required(value, "function", path)
        try OpenAIChatField.object(function, "\(path).function")
        let name = try OpenAIChatField.required(function, "name", "\(path).function")
        if let parameters = function.present("parameters") {
            try OpenAIChatField.object(parameters, "\(path).function.parameters")
        }
        self.request.tools.append(
            Tool(
                name: try OpenAIChatField.string(name, "\(path).function.name"),
                description: function.present("description")?.string,
                kind: .function(parameters: function.present("parameters")?.text)
            ))
        self.request.extensions.keepUnknown(value, known: ["type", "function"], path: "tools")
        self.request.extensions.keepUnknown(
            function, known: ["name", "description", "parameters"], path: "tools.function")
    }

    private mutating func options(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "options")
        for member in value.members where !member.value.isNull {
            let (key, value) = (member.key, member.value)
            let path = "options.\(key)"
            switch key {
            case "temperature": self.request.temperature = try OpenAIChatField.number(value, path)
            case "top_p": self.request.topP = try OpenAIChatField.number(value, path)
            case "top_k": self.request.topK = try OpenAIChatField.number(value, path)
            case "frequency_penalty": self.request.frequencyPenalty = try OpenAIChatField.number(value, path)
            case "presence_penalty": self.request.presencePenalty = try OpenAIChatField.number(value, path)
            case "seed": self.request.seed = try OpenAIChatField.number(value, path)
            case "num_predict":
                // -1 and -2 stand for no limit and for as much as the context has room for.
                let limit = try OpenAIChatField.int(value, path, least: -2)
                if limit > 0 { self.request.maxOutputTokens = limit }
            case "stop":
                if let one = value.string {
                    self.request.stopSequences = [one]
                    continue
                }
                try OpenAIChatField.array(value, path)
                for (index, element) in value.elements.enumerated() {
                    self.request.stopSequences.append(try OpenAIChatField.string(element, "\(path)[\(index)]"))
                }
            default: self.request.extensions.append(Extension(path, value.text))
            }
        }
    }

    private mutating func format(_ value: JSONView) throws(NeedletailError) {
        switch value.kind {
        case .object:
            self.request.responseFormat = .jsonSchema(name: nil, description: nil, schema: value.text, isStrict: nil)
        case .string where value.string == "json": self.request.responseFormat = .jsonObject
        case .string where value.string == "": break
        default:
            throw OpenAIChatField.invalid(
                "format", "invalid format: \(value.text); it must be \"json\" or a JSON schema.")
        }
    }

    private mutating func think(_ value: JSONView) throws(NeedletailError) {
        if let isOn = value.bool {
            self.request.reasoning = ReasoningOptions(mode: isOn ? .enabled : .disabled)
        } else {
            let effort = try OpenAIChatField.string(value, "think")
            self.request.reasoning = ReasoningOptions(mode: .unspecified, effort: effort)
        }
    }
}
