public import NIOCore
public import NeedletailCore

extension AnthropicMessages {
    /// Reads a client's request for `/v1/messages` or `/v1/messages/count_tokens`.
    ///
    /// A user turn with tool results becomes one `tool` message per result, the rest of it a `user` message, in order;
    /// ``encodeRequest(_:into:)`` joins them again.
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let document: JSONDocument
        do {
            document = try JSONDocument(body)
        } catch {
            throw NeedletailError(.invalidRequest, "The request body is not valid JSON: \(error).")
        }
        var reader = AnthropicRequestReader()
        do {
            return try reader.read(document.root)
        } catch {
            throw error.error
        }
    }
}

/// Fills a request from Anthropic's JSON.
struct AnthropicRequestReader {
    private var request = ChatRequest(model: "")
    private var content = AnthropicContentReader()
    private var system: [ChatMessage] = []

    mutating func read(_ root: JSONView) throws(AnthropicFieldError) -> ChatRequest {
        try AnthropicField.object(root)
        self.request.source = .anthropicMessages
        self.request.model = try AnthropicField.requiredString(root, "model")
        guard let messages = root.present("messages") else { throw AnthropicFieldError("messages", "Field required") }
        if let system = root.present("system") {
            do { try self.readSystem(system) } catch { throw error.inside("system") }
        }
        do { try self.readMessages(messages) } catch { throw error.inside("messages") }
        if let tools = root.present("tools") {
            do { try self.readTools(tools) } catch { throw error.inside("tools") }
        }
        if let choice = root.present("tool_choice") {
            do { try self.readToolChoice(choice) } catch { throw error.inside("tool_choice") }
        }
        try self.readSampling(root)
        try self.readOptions(root)
        self.readUnknown(root)
        self.request.messages = self.system + self.request.messages
        self.request.extensions += self.content.extensions
        return self.request
    }

    // MARK: Messages

    private mutating func readSystem(_ system: JSONView) throws(AnthropicFieldError) {
        let parts = try self.content.readContent(system, path: "system")
        guard !parts.isEmpty else { return }
        self.system = [ChatMessage(.system, parts)]
    }

    private mutating func readMessages(_ messages: JSONView) throws(AnthropicFieldError) {
        guard messages.kind == .array else { throw AnthropicFieldError("", "Input should be a valid list") }
        var index = 0
        for message in messages.elements {
            do { try self.readMessage(message) } catch { throw error.inside(String(index)) }
            index += 1
        }
    }

    private mutating func readMessage(_ message: JSONView) throws(AnthropicFieldError) {
        try AnthropicField.object(message)
        let role = try AnthropicField.requiredString(message, "role")
        guard let content = message.present("content") else { throw AnthropicFieldError("content", "Field required") }
        self.content.keepUnknown(message, known: ["role", "content"], path: "messages")
        let parts: [ContentPart]
        do {
            parts = try self.content.readContent(content, path: "messages.content")
        } catch {
            throw error.inside("content")
        }
        switch role {
        case "assistant": self.request.messages.append(ChatMessage(.assistant, parts))
        // Newer models take a system prompt in the middle of a conversation.
        case "system": self.request.messages.append(ChatMessage(.system, parts))
        case "user": self.appendUserTurn(parts)
        default: throw AnthropicFieldError("role", "Input should be 'user', 'assistant' or 'system'")
        }
    }

    private mutating func appendUserTurn(_ parts: [ContentPart]) {
        guard parts.contains(where: { if case .toolResult = $0 { true } else { false } }) else {
            self.request.messages.append(ChatMessage(.user, parts))
            return
        }
        var rest: [ContentPart] = []
        for part in parts {
            guard case .toolResult = part else {
                rest.append(part)
                continue
            }
            if !rest.isEmpty { self.request.messages.append(ChatMessage(.user, rest)) }
            rest = []
            self.request.messages.append(ChatMessage(.tool, [part]))
        }
        if !rest.isEmpty { self.request.messages.append(ChatMessage(.user, rest)) }
    }

    // MARK: Tools

    private mutating func readTools(_ tools: JSONView) throws(AnthropicFieldError) {
        guard tools.kind == .array else { throw AnthropicFieldError("", "Input should be a valid list") }
        var index = 0
        for tool in tools.elements {
            do { try self.readTool(tool) } catch { throw error.inside(String(index)) }
            index += 1
        }
    }

    private mutating func readTool(_ tool: JSONView) throws(AnthropicFieldError) {
        try AnthropicField.object(tool)
        let type = try AnthropicField.string(tool, "type")
        if let type, type != "custom" {
            let name = try AnthropicField.string(tool, "name") ?? type
            let kind = Tool.Kind.provider(type: type, definition: tool.text, dialect: .anthropicMessages)
            var provided = Tool(name: name, kind: kind)
            // Already in the definition; here so that the markers of a request can be counted.
            if let marker = tool.present("cache_control") {
                provided.cacheMarker = CacheMarker(lifetime: marker.present("ttl")?.string)
            }
            self.request.tools.append(provided)
            return
        }
        guard let schema = tool.present("input_schema") else {
            throw AnthropicFieldError("input_schema", "Field required")
        }
        guard schema.kind == .object else {
            throw AnthropicFieldError("input_schema", "Input should be a valid dictionary")
        }
        var function = Tool(
            name: try AnthropicField.requiredString(tool, "name"),
            description: try AnthropicField.string(tool, "description"),
            kind: .function(parameters: schema.text),
            isStrict: try AnthropicField.bool(tool, "strict")
        )
        function.cacheMarker = try self.content.readMarker(tool, path: "tools")
        let known: [StaticString] = ["type", "name", "description", "input_schema", "strict", "cache_control"]
        self.content.keepUnknown(tool, known: known, path: "tools")
        self.request.tools.append(function)
    }

    private mutating func readToolChoice(_ choice: JSONView) throws(AnthropicFieldError) {
        try AnthropicField.object(choice)
        switch try AnthropicField.requiredString(choice, "type") {
        case "auto": self.request.toolChoice = .auto
        case "any": self.request.toolChoice = .required
        case "none": self.request.toolChoice = ToolChoice.none
        case "tool": self.request.toolChoice = .tool(try AnthropicField.requiredString(choice, "name"))
        default: throw AnthropicFieldError("type", "Input should be 'auto', 'any', 'tool' or 'none'")
        }
        if let disabled = try AnthropicField.bool(choice, "disable_parallel_tool_use") {
            self.request.parallelToolCalls = !disabled
        }
        let known: [StaticString] = ["type", "name", "disable_parallel_tool_use"]
        self.content.keepUnknown(choice, known: known, path: "tool_choice")
    }

    // MARK: Options

    private mutating func readSampling(_ root: JSONView) throws(AnthropicFieldError) {
        self.request.maxOutputTokens = try AnthropicField.int(root, "max_tokens")
        if let most = self.request.maxOutputTokens, most < 1 {
            throw AnthropicFieldError("max_tokens", "Input should be greater than or equal to 1")
        }
        self.request.temperature = try AnthropicField.number(root, "temperature")
        self.request.topP = try AnthropicField.number(root, "top_p")
        self.request.topK = try AnthropicField.number(root, "top_k")
        self.request.isStreaming = try AnthropicField.bool(root, "stream") ?? false
        self.request.serviceTier = try AnthropicField.string(root, "service_tier")
        guard let stops = root.present("stop_sequences") else { return }
        guard stops.kind == .array else { throw AnthropicFieldError("stop_sequences", "Input should be a valid list") }
        for stop in stops.elements {
            guard let string = stop.string else {
                let index = String(self.request.stopSequences.count)
                throw AnthropicFieldError("stop_sequences.\(index)", "Input should be a valid string")
            }
            self.request.stopSequences.append(string)
        }
    }

    private mutating func readOptions(_ root: JSONView) throws(AnthropicFieldError) {
        if let metadata = try AnthropicField.object(root, "metadata") {
            do {
                self.request.endUser = try AnthropicField.string(metadata, "user_id")
            } catch {
                throw error.inside("metadata")
            }
            self.content.keepUnknown(metadata, known: ["user_id"], path: "metadata")
        }
        if let thinking = try AnthropicField.object(root, "thinking") {
            do { try self.readThinking(thinking) } catch { throw error.inside("thinking") }
        }
        if let config = try AnthropicField.object(root, "output_config") {
            do {
                if let effort = try AnthropicField.string(config, "effort") {
                    self.request.reasoning = self.request.reasoning ?? ReasoningOptions()
                    self.request.reasoning?.effort = effort
                }
            } catch {
                throw error.inside("output_config")
            }
            self.content.keepUnknown(config, known: ["effort", "format"], path: "output_config")
            if let format = config.present("format") { self.readFormat(format, path: "output_config.format") }
        }
        // The beta's name for `output_config.format`.
        if let format = root.present("output_format") { self.readFormat(format, path: "output_format") }
    }

    private mutating func readThinking(_ thinking: JSONView) throws(AnthropicFieldError) {
        var options = ReasoningOptions()
        switch try AnthropicField.requiredString(thinking, "type") {
        case "enabled": options.mode = .enabled
        case "disabled": options.mode = .disabled
        case "adaptive": options.mode = .adaptive
        default: throw AnthropicFieldError("type", "Input should be 'enabled', 'disabled' or 'adaptive'")
        }
        options.budgetTokens = try AnthropicField.int(thinking, "budget_tokens")
        options.display = try AnthropicField.string(thinking, "display")
        self.request.reasoning = options
        self.content.keepUnknown(thinking, known: ["type", "budget_tokens", "display"], path: "thinking")
    }

    /// A format of an unknown kind is kept as an extension.
    private mutating func readFormat(_ format: JSONView, path: String) {
        guard format.present("type")?.string == "json_schema", let schema = format.present("schema"),
            schema.kind == .object
        else {
            self.content.extensions.append(Extension(path, format.text))
            return
        }
        self.request.responseFormat = .jsonSchema(name: nil, description: nil, schema: schema.text, isStrict: nil)
        self.content.keepUnknown(format, known: ["type", "schema"], path: path)
    }

    private static let knownFields: [StaticString] = [
        "model", "messages", "system", "tools", "tool_choice", "max_tokens", "temperature", "top_p", "top_k", "stream",
        "service_tier", "stop_sequences", "metadata", "thinking", "output_config", "output_format",
    ]

    private mutating func readUnknown(_ root: JSONView) {
        self.content.keepUnknown(root, known: Self.knownFields, path: "")
    }
}
