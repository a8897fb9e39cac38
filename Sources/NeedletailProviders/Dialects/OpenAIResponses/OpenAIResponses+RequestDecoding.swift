public import NIOCore
public import NeedletailCore

extension OpenAIResponses {
    /// Reads a client's request.
    ///
    /// Unknown fields go to the request's extensions. What refers to state of the provider (`previous_response_id`,
    /// `conversation`, `prompt`, an `item_reference`) is essential: no other dialect's upstream can be asked without it.
    ///
    /// - Throws: `.invalidRequest` with the path of the field at fault, as OpenAI spells it (`input[0].content`).
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
        var decoder = OpenAIResponsesRequestDecoder()
        return try decoder.decode(document.root)
    }
}

/// The state of reading one request.
struct OpenAIResponsesRequestDecoder {
    var request = ChatRequest(model: "")
    private var safetyIdentifier: JSONView?

    /// The members that a response repeats, in the order in which it has them.
    static let echoed: [StaticString] = [
        "background", "conversation", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
        "parallel_tool_calls", "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention",
        "reasoning", "safety_identifier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs",
        "top_p", "truncation", "user", "frequency_penalty", "presence_penalty",
    ]

    mutating func decode(_ root: JSONView) throws(NeedletailError) -> ChatRequest {
        self.request.source = .openAIResponses
        guard let model = root.present("model") else { throw OpenAIChatField.missing("model") }
        self.request.model = try OpenAIChatField.string(model, "model")
        if let instructions = root.present("instructions") { try self.instructions(instructions) }
        for member in root.members where !member.value.isNull {
            if Self.echoed.contains(where: { member.hasKey($0) }) {
                self.request.echo.append(Extension(member.key, member.value.text))
            }
            try self.field(member.key, member.value)
        }
        if let input = root.present("input") {
            try self.input(input)
        } else if self.request.essentials.isEmpty {
            throw OpenAIChatField.missing("input")
        }
        if let identifier = self.safetyIdentifier {
            let name = try OpenAIChatField.string(identifier, "safety_identifier")
            if self.request.endUser == nil {
                self.request.endUser = name
            } else if self.request.endUser != name {
                self.keep("safety_identifier", identifier)
            }
        }
        return self.request
    }

    private mutating func instructions(_ value: JSONView) throws(NeedletailError) {
        if let text = value.string {
            if !text.isEmpty { self.request.messages.append(ChatMessage(.system, text)) }
            return
        }
        // A response's own `instructions`, sent back, are a list of items.
        guard value.kind == .array else { throw OpenAIChatField.wrongType("instructions", "a string", value) }
        try self.input(value)
    }

    private mutating func field(_ key: String, _ value: JSONView) throws(NeedletailError) {
        switch key {
        // `store` and `metadata` concern the response as it is kept: who answers for the provider keeps it.
        case "model", "input", "instructions", "store", "metadata": break
        case "tools": try self.tools(value)
        case "tool_choice": try self.toolChoice(value)
        case "parallel_tool_calls": self.request.parallelToolCalls = try OpenAIChatField.bool(value, key)
        case "max_output_tokens": self.request.maxOutputTokens = try OpenAIChatField.int(value, key, least: 1)
        case "temperature": self.request.temperature = try OpenAIChatField.number(value, key)
        case "top_p": self.request.topP = try OpenAIChatField.number(value, key)
        case "top_logprobs":
            let count = try OpenAIChatField.int(value, key, least: 0)
            self.request.topLogprobs = count == 0 ? nil : count
        case "include": try self.include(value)
        case "reasoning": try self.reasoning(value)
        case "text": try self.text(value)
        case "stream": self.request.isStreaming = try OpenAIChatField.bool(value, key)
        case "stream_options":
            try OpenAIChatField.object(value, key)
            self.keepUnknown(value, known: ["include_obfuscation"], path: key)
        case "truncation":
            if value.string != "disabled" { self.keep(key, value) }
        case "background":
            guard try OpenAIChatField.bool(value, key) else { return }
            self.keep(key, value)
            self.need(key, "A response in the background needs a provider that keeps responses.")
        case "previous_response_id", "conversation", "prompt":
            self.keep(key, value)
            self.need(key, "'\(key)' refers to state of a provider that others do not have.")
        case "user": self.request.endUser = try OpenAIChatField.string(value, key)
        case "safety_identifier": self.safetyIdentifier = value
        case "service_tier": self.request.serviceTier = try OpenAIChatField.string(value, key)
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

    mutating func keepUnknown(_ object: JSONView, known: [StaticString], path: String) {
        self.request.extensions.keepUnknown(object, known: known, path: path, ignoresEmptyArrays: true)
    }

    /// Notes that the request means something else without a field.
    mutating func need(_ path: String, _ reason: String) {
        self.request.essentials.add(path, reason)
    }

    private mutating func include(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.array(value, "include")
        var json = JSONWriter()
        var hasOthers = false
        json.beginArray()
        for (index, element) in value.elements.enumerated() {
            switch try OpenAIChatField.string(element, "include[\(index)]") {
            case "message.output_text.logprobs": self.request.logprobs = true
            case "reasoning.encrypted_content": self.request.wantsReasoningState = true
            case let other:
                hasOthers = true
                json.string(other)
            }
        }
        json.endArray()
        if hasOthers { self.request.extensions.append(Extension("include", JSONText(unchecked: json.bytes))) }
    }

    private mutating func reasoning(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "reasoning")
        var options = ReasoningOptions()
        for member in value.members where !member.value.isNull {
            switch member.key {
            case "effort": options.effort = try OpenAIChatField.string(member.value, "reasoning.effort")
            case "summary", "generate_summary":
                let summary = try OpenAIChatField.string(member.value, "reasoning.\(member.key)")
                guard summary != "none" else { continue }
                options.display = "summarized"
                if summary != "auto" { self.keep("reasoning.summary", member.value) }
            default: self.keep("reasoning.\(member.key)", member.value)
            }
        }
        guard options != ReasoningOptions() else { return }
        self.request.reasoning = options
    }

    private mutating func text(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "text")
        for member in value.members where !member.value.isNull {
            switch member.key {
            case "format": try self.format(member.value)
            case "verbosity": self.request.verbosity = try OpenAIChatField.string(member.value, "text.verbosity")
            default: self.keep("text.\(member.key)", member.value)
            }
        }
    }

    private mutating func format(_ value: JSONView) throws(NeedletailError) {
        try OpenAIChatField.object(value, "text.format")
        let type = try OpenAIChatField.required(value, "type", "text.format")
        switch try OpenAIChatField.string(type, "text.format.type") {
        case "text":
            self.request.responseFormat = .text
            self.keepUnknown(value, known: ["type"], path: "text.format")
        case "json_object":
            self.request.responseFormat = .jsonObject
            self.keepUnknown(value, known: ["type"], path: "text.format")
        case "json_schema":
            let schema = try OpenAIChatField.required(value, "schema", "text.format")
            try OpenAIChatField.object(schema, "text.format.schema")
            var name: String?
            var description: String?
            var strict: Bool?
            if let value = value.present("name") { name = try OpenAIChatField.string(value, "text.format.name") }
            if let value = value.present("description") {
                description = try OpenAIChatField.string(value, "text.format.description")
            }
            if let value = value.present("strict") { strict = try OpenAIChatField.bool(value, "text.format.strict") }
            self.request.responseFormat = .jsonSchema(
                name: name, description: description, schema: schema.text, isStrict: strict)
            self.keepUnknown(
                value, known: ["type", "name", "description", "schema", "strict"], path: "text.format")
        case let other:
            throw OpenAIChatField.invalid(
                "text.format.type",
                "Invalid value: '\(other)'. Supported values are: 'json_object', 'json_schema', and 'text'.")
        }
    }
}
