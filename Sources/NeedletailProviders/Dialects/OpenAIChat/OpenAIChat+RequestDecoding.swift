public import NIOCore
public import NeedletailCore

extension OpenAIChat {
    /// Reads a client's request.
    ///
    /// Beyond OpenAI's own fields it takes what users of LiteLLM and OpenRouter send: `cache_control`, `thinking`,
    /// `reasoning`, `thinking_blocks`, `reasoning_details`, `top_k`. Unknown fields go to the request's extensions.
    ///
    /// - Throws: `.invalidRequest` with the path of the field at fault, as OpenAI spells it (`messages[0].content`).
    public static func decodeRequest(_ body: ByteBuffer) throws(NeedletailError) -> ChatRequest {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(body)
        } catch {
            throw NeedletailError(.invalidRequest, "We could not parse the JSON body of your request: \(error).")
        }
        guard document.root.kind == .object else {
            throw NeedletailError(.invalidRequest, "The body of your request must be a JSON object.")
        }
        var decoder = OpenAIChatRequestDecoder()
        return try decoder.decode(document.root)
    }
}

/// The state of reading one request.
struct OpenAIChatRequestDecoder {
    var request = ChatRequest(model: "")
    /// Calls in the legacy form carry no id; these are made up, by name, for the results that follow.
    var legacyCallIDs: [String: String] = [:]
    private var maxTokens: Int?
    private var safetyIdentifier: JSONView?

    mutating func decode(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        self.request.source = .openAIChat
        guard let model = root.present("model") else { throw OpenAIChatField.missing("model") }
        self.request.model = try OpenAIChatField.string(model, "model")
        guard let messages = root["messages"] else { throw OpenAIChatField.missing("messages") }
        for member in root.members where !member.value.isNull {
            try self.field(member.key, member.value)
        }
        try self.messages(messages)
        if self.request.maxOutputTokens == nil {
            self.request.maxOutputTokens = self.maxTokens
        } else if let other = self.maxTokens, other != self.request.maxOutputTokens {
            self.request.extensions.append(Extension("max_tokens", JSONText(other)))
        }
        if let identifier = self.safetyIdentifier {
            let name = try OpenAIChatField.string(identifier, "safety_identifier")
            if self.request.endUser == nil {
                self.request.endUser = name
            } else if self.request.endUser != name {
                self.request.extensions.append(Extension("safety_identifier", identifier.text))
            }
        }
        return self.request
    }

    private mutating func field(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        case "model", "messages": break
        case "tools": try self.tools(value)
        case "functions": try self.functions(value)
        case "tool_choice": self.request.toolChoice = try self.toolChoice(value)
        case "function_call": self.request.toolChoice = try self.functionCall(value)
        case "parallel_tool_calls": self.request.parallelToolCalls = try OpenAIChatField.bool(value, key)
        case "max_completion_tokens":
            self.request.maxOutputTokens = try OpenAIChatField.int(value, key, least: 1)
        case "max_tokens": self.maxTokens = try OpenAIChatField.int(value, key, least: 1)
        case "temperature": self.request.temperature = try OpenAIChatField.number(value, key)
        case "top_p": self.request.topP = try OpenAIChatField.number(value, key)
        case "top_k": self.request.topK = try OpenAIChatField.number(value, key)
        case "frequency_penalty": self.request.frequencyPenalty = try OpenAIChatField.number(value, key)
        case "presence_penalty": self.request.presencePenalty = try OpenAIChatField.number(value, key)
        case "seed": self.request.seed = try OpenAIChatField.number(value, key)
        case "stop": try self.stop(value)
        case "n": self.request.choiceCount = try OpenAIChatField.int(value, key, least: 1)
        case "logprobs": self.request.logprobs = try OpenAIChatField.bool(value, key)
        case "top_logprobs": self.request.topLogprobs = try OpenAIChatField.int(value, key, least: 0)
        case "logit_bias":
            try OpenAIChatField.object(value, key)
            self.request.logitBias = value.text
        case "response_format": try self.responseFormat(value)
        case "verbosity": self.request.verbosity = try OpenAIChatField.string(value, key)
        case "reasoning_effort":
            self.request.reasoning = self.request.reasoning ?? ReasoningOptions()
            self.request.reasoning?.effort = try OpenAIChatField.string(value, key)
        case "thinking": try self.thinking(value)
        case "reasoning": try self.reasoning(value)
        case "stream": self.request.isStreaming = try OpenAIChatField.bool(value, key)
        case "stream_options": try self.streamOptions(value)
        case "user": self.request.endUser = try OpenAIChatField.string(value, key)
        case "safety_identifier": self.safetyIdentifier = value
        case "service_tier": self.request.serviceTier = try OpenAIChatField.string(value, key)
        case "modalities":
            try OpenAIChatField.array(value, key)
            self.request.modalities = []
            for (index, element) in value.elements.enumerated() {
                self.request.modalities.append(try OpenAIChatField.string(element, "modalities[\(index)]"))
            }
        default: self.keep(key, value)
        }
    }

    /// Keeps what the model has no field for. `null` and `[]` say nothing.
    mutating func keep(_ path: String, _ value: JSONView) {
        guard !value.isNull else { return }
        if value.kind == .array {
            var elements = value.elements
            guard elements.next() != nil else { return }
        }
        self.request.extensions.append(Extension(path, value.text))
    }

    private mutating func stop(_ value: JSONView) throws(NeedletailError) {
        if let string = value.string {
            self.request.stopSequences = [string]
            return
        }
        guard value.kind == .array else { throw OpenAIChatField.wrongType("stop", "a string or an array", value) }
        self.request.stopSequences = []
        for (index, element) in value.elements.enumerated() {
            self.request.stopSequences.append(try OpenAIChatField.string(element, "stop[\(index)]"))
        }
    }

    private mutating func streamOptions(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "stream_options")
        for member in value.members where !member.value.isNull {
            if member.hasKey("include_usage") {
                self.request.includesStreamUsage = try OpenAIChatField.bool(
                    member.value, "stream_options.include_usage")
            } else {
                self.keep("stream_options.\(member.key)", member.value)
            }
        }
    }

    private mutating func responseFormat(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "response_format")
        let type = try OpenAIChatField.required(value, "type", "response_format")
        switch try OpenAIChatField.string(type, "response_format.type") {
        case "text":
            self.request.responseFormat = .text
            self.keepUnknown(value, known: ["type"], path: "response_format")
        case "json_object":
            self.request.responseFormat = .jsonObject
            self.keepUnknown(value, known: ["type"], path: "response_format")
        case "json_schema":
            let format = try OpenAIChatField.required(value, "json_schema", "response_format")
            try OpenAIChatField.object(format, "response_format.json_schema")
            let schema = format.present("schema")
            if let schema { try OpenAIChatField.object(schema, "response_format.json_schema.schema") }
            var name: String?
            var description: String?
            var strict: Bool?
            if let value = format.present("name") {
                name = try OpenAIChatField.string(value, "response_format.json_schema.name")
            }
            if let value = format.present("description") {
                description = try OpenAIChatField.string(value, "response_format.json_schema.description")
            }
            if let value = format.present("strict") {
                strict = try OpenAIChatField.bool(value, "response_format.json_schema.strict")
            }
            self.request.responseFormat = .jsonSchema(
                name: name,
                description: description,
                schema: schema?.text ?? JSONText(unchecked: "{}"),
                isStrict: strict
            )
            self.keepUnknown(value, known: ["type", "json_schema"], path: "response_format")
            let known: [StaticString] = ["name", "description", "schema", "strict"]
            self.keepUnknown(format, known: known, path: "response_format.json_schema")
        default: self.keep("response_format", value)
        }
    }

    /// `{"type": "enabled", "budget_tokens": 2048}`, as Anthropic, LiteLLM, DeepSeek and others have it.
    private mutating func thinking(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "thinking")
        var options = self.request.reasoning ?? ReasoningOptions()
        for member in value.members where !member.value.isNull {
            switch member.key {
            case "type":
                switch try OpenAIChatField.string(member.value, "thinking.type") {
                case "enabled": options.mode = .enabled
                case "disabled": options.mode = .disabled
                case "adaptive", "auto": options.mode = .adaptive
                case let other:
                    throw OpenAIChatField.invalid("thinking.type", "Invalid value for 'thinking.type': '\(other)'.")
                }
            case "budget_tokens":
                options.budgetTokens = try OpenAIChatField.int(member.value, "thinking.budget_tokens", least: 0)
            case "display": options.display = try OpenAIChatField.string(member.value, "thinking.display")
            default: self.keep("thinking.\(member.key)", member.value)
            }
        }
        self.request.reasoning = options
    }

    /// `{"effort": "high", "max_tokens": 2048, "enabled": true}`, as OpenRouter and Vercel have it.
    private mutating func reasoning(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "reasoning")
        var options = self.request.reasoning ?? ReasoningOptions()
        for member in value.members where !member.value.isNull {
            switch member.key {
            case "effort": options.effort = try OpenAIChatField.string(member.value, "reasoning.effort")
            case "max_tokens":
                options.budgetTokens = try OpenAIChatField.int(member.value, "reasoning.max_tokens", least: 0)
                if options.mode == .unspecified { options.mode = .enabled }
            case "enabled":
                options.mode = try OpenAIChatField.bool(member.value, "reasoning.enabled") ? .enabled : .disabled
            default: self.keep("reasoning.\(member.key)", member.value)
            }
        }
        self.request.reasoning = options
    }
}
