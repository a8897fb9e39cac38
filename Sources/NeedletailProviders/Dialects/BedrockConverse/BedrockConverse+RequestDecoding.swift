public import NIOCore
public import NeedletailCore

extension BedrockConverse {
    /// Reads a client's request for `/model/{model}/converse` or `/converse-stream`; the model stands in the path.
    ///
    /// A user turn with tool results becomes one `tool` message per result, the rest of it a `user` message, in order.
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        try Self.decodeRequest(Self.requestDocument(body).root)
    }

    static func requestDocument(_ body: ByteBuffer) throws(NeedletailError) -> JSONDocument {
        do {
            return try JSONDocument(body)
        } catch {
            throw NeedletailError(.invalidRequest, "The request body is not valid JSON: \(error).")
        }
    }

    static func decodeRequest(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        var reader = BedrockRequestReader()
        do {
            return try reader.read(root)
        } catch {
            throw error.error
        }
    }
}

/// Fills a request from Bedrock's JSON.
struct BedrockRequestReader {
    private var request = ChatRequest(model: "")
    private var content = BedrockContentReader()

    mutating func read(_ root: JSONView) throws(AnthropicFieldError) -> ChatRequest {
        try AnthropicField.object(root)
        self.request.source = .bedrockConverse
        if let system = root.present("system") { try self.readSystem(system) }
        if let messages = root.present("messages") {
            do { try self.readMessages(messages) } catch { throw error.inside("messages") }
        }
        if let config = try AnthropicField.object(root, "toolConfig") {
            do { try self.readTools(config) } catch { throw error.inside("toolConfig") }
        }
        if let config = try AnthropicField.object(root, "inferenceConfig") {
            do { try self.readInference(config) } catch { throw error.inside("inferenceConfig") }
        }
        if let fields = try AnthropicField.object(root, "additionalModelRequestFields") {
            var reader = BedrockModelFields(self.request)
            do { try reader.read(fields) } catch { throw error.inside("additionalModelRequestFields") }
            self.request = reader.request
        }
        if let config = try AnthropicField.object(root, "outputConfig") {
            do { try self.readOutput(config) } catch { throw error.inside("outputConfig") }
        }
        if let tier = try AnthropicField.object(root, "serviceTier") {
            self.request.serviceTier = tier.present("type")?.string
            self.content.keepUnknown(tier, known: ["type"], path: "serviceTier")
        }
        if let metadata = try AnthropicField.object(root, "requestMetadata") {
            self.request.endUser = metadata.present("user_id")?.string
            self.content.keepUnknown(metadata, known: ["user_id"], path: "requestMetadata")
        }
        let known: [StaticString] = [
            "modelId", "system", "messages", "toolConfig", "inferenceConfig", "additionalModelRequestFields",
            "outputConfig", "serviceTier", "requestMetadata",
        ]
        self.content.keepUnknown(root, known: known, path: "")
        self.request.extensions += self.content.extensions
        return self.request
    }

    // MARK: Messages

    private mutating func readSystem(_ system: JSONView) throws(AnthropicFieldError) {
        do {
            let parts = try self.content.readContent(system, path: "system")
            if !parts.isEmpty { self.request.messages.append(ChatMessage(.system, parts)) }
        } catch {
            throw error.inside("system")
        }
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
        case "system": self.request.messages.append(ChatMessage(.system, parts))
        case "user": self.appendUserTurn(parts)
        default: throw AnthropicFieldError("role", "Input should be 'user', 'assistant' or 'system'")
        }
    }

    private mutating func appendUserTurn(_ parts: [ContentPart]) {
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
        if !rest.isEmpty || parts.isEmpty { self.request.messages.append(ChatMessage(.user, rest)) }
    }

    // MARK: Tools

    private mutating func readTools(_ config: JSONView) throws(AnthropicFieldError) {
        if let tools = config.present("tools") {
            guard tools.kind == .array else { throw AnthropicFieldError("tools", "Input should be a valid list") }
            var index = 0
            for tool in tools.elements {
                do { try self.readTool(tool) } catch { throw error.inside("tools.\(index)") }
                index += 1
            }
        }
        if let choice = try AnthropicField.object(config, "toolChoice") {
            do { try self.readToolChoice(choice) } catch { throw error.inside("toolChoice") }
        }
        self.content.keepUnknown(config, known: ["tools", "toolChoice"], path: "toolConfig")
    }

    private mutating func readTool(_ tool: JSONView) throws(AnthropicFieldError) {
        try AnthropicField.object(tool)
        let path = "toolConfig.tools"
        if let point = tool.present("cachePoint"), let last = self.request.tools.indices.last,
            let marker = try self.content.marker(point, path)
        {
            self.request.tools[last].cacheMarker = marker
            return
        }
        guard let spec = try AnthropicField.object(tool, "toolSpec") else {
            let member = tool.members.first { !$0.value.isNull }
            let type = member?.key ?? ""
            self.request.tools.append(
                Tool(
                    name: member?.value.present("name")?.string ?? type,
                    kind: .provider(type: type, definition: tool.text, dialect: .bedrockConverse)))
            return
        }
        do throws(AnthropicFieldError) {
            guard let schema = spec.present("inputSchema")?.present("json") else {
                throw AnthropicFieldError("inputSchema.json", "Field required")
            }
            self.request.tools.append(
                Tool(
                    name: try AnthropicField.requiredString(spec, "name"),
                    description: try AnthropicField.string(spec, "description"),
                    kind: .function(parameters: schema.text),
                    isStrict: try AnthropicField.bool(spec, "strict")))
        } catch {
            throw error.inside("toolSpec")
        }
        let known: [StaticString] = ["name", "description", "inputSchema", "strict"]
        self.content.keepUnknown(spec, known: known, path: "\(path).toolSpec")
    }

    private mutating func readToolChoice(_ choice: JSONView) throws(AnthropicFieldError) {
        guard let member = choice.members.first(where: { !$0.value.isNull }) else { return }
        switch member.key {
        case "auto": self.request.toolChoice = .auto
        case "any": self.request.toolChoice = .required
        case "tool":
            do {
                self.request.toolChoice = .tool(try AnthropicField.requiredString(member.value, "name"))
            } catch {
                throw error.inside("tool")
            }
        default: self.content.extensions.append(Extension("toolConfig.toolChoice", choice.text))
        }
    }

    // MARK: Options

    private mutating func readInference(_ config: JSONView) throws(AnthropicFieldError) {
        self.request.maxOutputTokens = try AnthropicField.int(config, "maxTokens")
        if let most = self.request.maxOutputTokens, most < 1 {
            throw AnthropicFieldError("maxTokens", "Input should be greater than or equal to 1")
        }
        self.request.temperature = try AnthropicField.number(config, "temperature")
        self.request.topP = try AnthropicField.number(config, "topP")
        let known: [StaticString] = ["maxTokens", "temperature", "topP", "stopSequences"]
        self.content.keepUnknown(config, known: known, path: "inferenceConfig")
        guard let stops = config.present("stopSequences") else { return }
        guard stops.kind == .array else { throw AnthropicFieldError("stopSequences", "Input should be a valid list") }
        for stop in stops.elements {
            guard let string = stop.string else {
                let index = String(self.request.stopSequences.count)
                throw AnthropicFieldError("stopSequences.\(index)", "Input should be a valid string")
            }
            self.request.stopSequences.append(string)
        }
    }

    private mutating func readOutput(_ config: JSONView) throws(AnthropicFieldError) {
        if let effort = try AnthropicField.string(config, "effort") {
            self.request.reasoning = self.request.reasoning ?? ReasoningOptions()
            self.request.reasoning?.effort = effort
        }
        self.content.keepUnknown(config, known: ["effort", "textFormat"], path: "outputConfig")
        guard let format = try AnthropicField.object(config, "textFormat") else { return }
        let path = "outputConfig.textFormat"
        // The schema is JSON in a string.
        guard format.present("type")?.string == "json_schema",
            let definition = format.present("structure")?.present("jsonSchema"),
            let schema = definition.present("schema")?.string.flatMap({ try? JSONText($0) })
        else {
            self.content.extensions.append(Extension(path, format.text))
            return
        }
        self.request.responseFormat = .jsonSchema(
            name: definition.present("name")?.string, description: definition.present("description")?.string,
            schema: schema, isStrict: nil)
        let known: [StaticString] = ["schema", "name", "description"]
        self.content.keepUnknown(definition, known: known, path: "\(path).structure.jsonSchema")
    }
}
