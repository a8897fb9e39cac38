import NeedletailCore

/// The state of reading one request of a client.
struct CohereRequestDecoder {
    var request = ChatRequest(model: "")
    private var documents: [ContentPart] = []
    private var areToolsStrict: Bool?

    mutating func decode(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        self.request.source = .cohereChat
        guard let model = root.present("model") else { throw OpenAIChatField.missing("model") }
        self.request.model = try OpenAIChatField.string(model, "model")
        guard let messages = root.present("messages") else { throw OpenAIChatField.missing("messages") }
        for member in root.members where !member.value.isNull { try self.field(member.key, member.value) }
        try OpenAIChatField.array(messages, "messages")
        for (index, message) in messages.elements.enumerated() { try self.message(message, "messages[\(index)]") }
        guard !self.request.messages.isEmpty else {
            throw OpenAIChatField.invalid("messages", "Invalid 'messages': it must have at least one message.")
        }
        self.placeDocuments(root.present("documents"), mode: root.present("citation_options")?.present("mode")?.string)
        if let isStrict = self.areToolsStrict {
            for index in self.request.tools.indices { self.request.tools[index].isStrict = isStrict }
        }
        return self.request
    }

    private mutating func field(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        case "model", "messages": break
        case "tools":
            try OpenAIChatField.array(value, key)
            for (index, tool) in value.elements.enumerated() { try self.tool(tool, "tools[\(index)]") }
        case "strict_tools": self.areToolsStrict = try OpenAIChatField.bool(value, key)
        case "tool_choice": self.request.toolChoice = try Self.toolChoice(value)
        case "documents": try self.documents(value)
        case "response_format": try self.responseFormat(value)
        case "max_tokens": self.request.maxOutputTokens = try OpenAIChatField.int(value, key, least: 1)
        case "stop_sequences":
            try OpenAIChatField.array(value, key)
            for (index, element) in value.elements.enumerated() {
                self.request.stopSequences.append(try OpenAIChatField.string(element, "stop_sequences[\(index)]"))
            }
        case "temperature": self.request.temperature = try OpenAIChatField.number(value, key)
        case "p": self.request.topP = try OpenAIChatField.number(value, key)
        case "k": self.request.topK = try OpenAIChatField.number(value, key)
        case "frequency_penalty": self.request.frequencyPenalty = try OpenAIChatField.number(value, key)
        case "presence_penalty": self.request.presencePenalty = try OpenAIChatField.number(value, key)
        case "seed": self.request.seed = try OpenAIChatField.number(value, key)
        case "logprobs": self.request.logprobs = try OpenAIChatField.bool(value, key)
        case "thinking": try self.thinking(value)
        case "stream": self.request.isStreaming = try OpenAIChatField.bool(value, key)
        default: self.request.extensions.append(Extension(key, value.text))
        }
    }

    private mutating func tool(_ value: JSONView, _ path: String) throws(NeedletailError) {
        try OpenAIChatField.object(value, path)
        let type = value.present("type")?.string ?? "function"
        guard type == "function" else {
            self.request.tools.append(
                Tool(name: type, kind: .provider(type: type, definition: value.text, dialect: .cohereChat)))
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

    private static func toolChoice(_ value: JSONView) throws(NeedletailError) -> ToolChoice {
        switch try OpenAIChatField.string(value, "tool_choice") {
        case "REQUIRED": return .required
        case "NONE": return .none
        case let other:
            throw OpenAIChatField.invalid(
                "tool_choice", "Invalid value for 'tool_choice': '\(other)'; it must be 'REQUIRED' or 'NONE'.")
        }
    }

    private mutating func responseFormat(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "response_format")
        let type = try OpenAIChatField.required(value, "type", "response_format")
        switch try OpenAIChatField.string(type, "response_format.type") {
        case "text": self.request.responseFormat = .text
        case "json_object":
            // Version 1 of the API called it `schema`, and examples of version 2 still do.
            guard let schema = value.present("json_schema") ?? value.present("schema") else {
                self.request.responseFormat = .jsonObject
                break
            }
            try OpenAIChatField.object(schema, "response_format.json_schema")
            self.request.responseFormat = .jsonSchema(name: nil, description: nil, schema: schema.text, isStrict: nil)
        case let other:
            throw OpenAIChatField.invalid(
                "response_format.type", "Invalid value for 'response_format.type': '\(other)'.")
        }
        self.request.extensions.keepUnknown(
            value, known: ["type", "json_schema", "schema"], path: "response_format")
    }

    private mutating func thinking(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "thinking")
        var options = ReasoningOptions()
        if let type = value.present("type") {
            switch try OpenAIChatField.string(type, "thinking.type") {
            case "enabled": options.mode = .enabled
            case "disabled": options.mode = .disabled
            case let other:
                throw OpenAIChatField.invalid("thinking.type", "Invalid value for 'thinking.type': '\(other)'.")
            }
        }
        if let budget = value.present("token_budget") {
            options.budgetTokens = try OpenAIChatField.int(budget, "thinking.token_budget", least: 0)
        }
        self.request.reasoning = options
        self.request.extensions.keepUnknown(value, known: ["type", "token_budget"], path: "thinking")
    }

    // MARK: Documents

    private mutating func documents(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "documents")
        for (index, document) in value.elements.enumerated() {
            let path = "documents[\(index)]"
            if document.string == nil { try OpenAIChatField.object(document, path) }
            self.documents.append(.document(CohereDocument.part(document)))
            self.request.extensions.keepUnknown(document, known: ["data"], path: "documents")
        }
    }

    /// Documents belong to what the user asks last, where other dialects have them.
    private mutating func placeDocuments(_ value: JSONView?, mode: String?) {
        guard !self.documents.isEmpty else { return }
        guard let place = self.request.messages.lastIndex(where: { $0.role == .user }) else {
            if let value { self.request.extensions.append(Extension("documents", value.text)) }
            return
        }
        let parts = self.documents.map { part in
            guard case .document(var document) = part else { return part }
            document.citationsEnabled = mode.map { $0 != "OFF" }
            return .document(document)
        }
        self.request.messages[place].content.insert(contentsOf: parts, at: 0)
    }
}
