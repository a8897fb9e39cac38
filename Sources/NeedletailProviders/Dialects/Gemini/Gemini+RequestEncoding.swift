public import NIOCore
public import NeedletailCore

extension Gemini {
    /// Writes a request for an upstream. Model and streaming are not in it: they stand in the path.
    ///
    /// Schemas go out as JSON Schema, word for word (`parametersJsonSchema`, `responseJsonSchema`).
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` for tools that take free text and for files of another provider.
    public static func encodeRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = GeminiRequestWriter(request)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try writer.write(into: &json)
        }
        return writer.losses
    }
}

/// Writes one request.
struct GeminiRequestWriter {
    private let request: ChatRequest
    /// Whether only the prompt is wanted, with the model beside it.
    var isCount = false
    private(set) var losses: [Loss] = []

    private var isOwn: Bool { self.request.source == .gemini }

    init(_ request: ChatRequest) {
        self.request = request.showingMadeImages()
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.request.source), reason)
    }

    mutating func write(into json: inout JSONWriter) throws(NeedletailError) {
        let turns = try GeminiTurns(self.request, losses: &self.losses)
        var content = GeminiContentWriter(self.request, callNames: turns.callNames)
        json.beginObject()
        if self.isCount { json.member("model", "models/\(self.request.model)") }
        if !turns.system.isEmpty {
            json.key("systemInstruction")
            json.beginObject()
            json.key("parts")
            json.beginArray()
            for part in turns.system { try self.system(part, &content, &json) }
            json.endArray()
            json.endObject()
        }
        json.key("contents")
        json.beginArray()
        for turn in turns.turns {
            json.beginObject()
            json.member("role", turn.isModel ? "model" : "user")
            json.key("parts")
            json.beginArray()
            try content.write(turn, &json)
            json.endArray()
            json.endObject()
        }
        json.endArray()
        for loss in content.losses { self.losses.add(loss.field, loss.reason) }
        try self.tools(&json)
        if !self.isCount {
            self.config(&json)
            self.reportUnsaid()
            self.extensions(&json)
        }
        json.endObject()
    }

    private mutating func system(
        _ part: ContentPart, _ content: inout GeminiContentWriter, _ json: inout JSONWriter
    ) throws(NeedletailError) {
        guard case .text(var text) = part else {
            try content.plain(part, nil, &json)
            return
        }
        if text.cacheMarker != nil { self.lose(.systemCacheMarker, "Google caches prompts by itself.") }
        text.cacheMarker = nil
        try content.plain(.text(text), nil, &json)
    }

    // MARK: Tools

    private mutating func tools(_ json: inout JSONWriter) throws(NeedletailError) {
        var functions: [(tool: Tool, parameters: JSONText?)] = []
        var own: [JSONText] = []
        for tool in self.request.tools {
            switch tool.kind {
            case .function(let parameters): functions.append((tool, parameters))
            case .custom:
                let name = ModelField.tool.name(in: self.request.source)
                throw NeedletailError(
                    .unsupported, "\(name): this provider has no tools that take free text.", parameter: name)
            case .provider(_, let definition, let dialect):
                if dialect == .gemini {
                    own.append(definition)
                } else {
                    self.lose(.tool, "The tool \(tool.name) is another provider's.")
                }
            }
            if tool.cacheMarker != nil { self.lose(.toolCacheMarker, "Google caches prompts by itself.") }
            if tool.isStrict == true { self.lose(.toolStrict, "Arguments are not held to the schema.") }
        }
        // A choice among some that need not be made is one among tools of which there are no others.
        if case .allowed(let names, isRequired: false) = self.request.toolChoice {
            functions.removeAll { !names.contains($0.tool.name) }
        }
        if !functions.isEmpty || !own.isEmpty {
            json.key("tools")
            json.beginArray()
            if !functions.isEmpty { Self.functions(functions, &json) }
            for definition in own { json.raw(definition) }
            json.endArray()
        }
        if !self.isCount { self.toolConfig(hasFunctions: !functions.isEmpty, &json) }
    }

    private static func functions(
        _ functions: [(tool: Tool, parameters: JSONText?)], _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.key("functionDeclarations")
        json.beginArray()
        for (tool, parameters) in functions {
            json.beginObject()
            json.member("name", tool.name)
            json.member("description", tool.description)
            json.member("parametersJsonSchema", parameters)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    private mutating func toolConfig(hasFunctions: Bool, _ json: inout JSONWriter) {
        var calling = JSONWriter()
        calling.beginObject()
        if hasFunctions {
            self.calling(&calling)
        } else if self.request.toolChoice?.demandsTool == true {
            self.lose(.toolChoice, "There is no tool to choose.")
        }
        self.nested("toolConfig.functionCallingConfig.", &calling)
        calling.endObject()
        var config = JSONWriter()
        config.beginObject()
        if calling.bytes.readableBytes > 2 {
            config.member("functionCallingConfig", JSONText(unchecked: calling.bytes))
        }
        self.nested("toolConfig.", &config)
        config.endObject()
        if config.bytes.readableBytes > 2 { json.member("toolConfig", JSONText(unchecked: config.bytes)) }
    }

    private func calling(_ json: inout JSONWriter) {
        // A mode of Google's that the model has no word for is among the extensions.
        let isSaid =
            self.isOwn && self.request.extensions.contains { $0.path == "toolConfig.functionCallingConfig.mode" }
        switch self.request.toolChoice {
        case nil: break
        case .auto, .allowed(_, isRequired: false): if !isSaid { json.member("mode", "AUTO") }
        case .some(.none): json.member("mode", "NONE")
        case .required: json.member("mode", "ANY")
        case .tool(let name):
            json.member("mode", "ANY")
            Self.strings("allowedFunctionNames", [name], &json)
        case .allowed(let names, isRequired: true):
            json.member("mode", "ANY")
            Self.strings("allowedFunctionNames", names, &json)
        }
    }

    private static func strings(_ key: StaticString, _ strings: [String], _ json: inout JSONWriter) {
        guard !strings.isEmpty else { return }
        json.key(key)
        json.beginArray()
        for string in strings { json.string(string) }
        json.endArray()
    }

    // MARK: Options

    private mutating func config(_ json: inout JSONWriter) {
        let request = self.request
        var config = JSONWriter()
        config.beginObject()
        config.member("temperature", request.temperature)
        config.member("topP", request.topP)
        config.member("topK", request.topK)
        config.member("candidateCount", request.choiceCount)
        config.member("maxOutputTokens", request.maxOutputTokens)
        Self.strings("stopSequences", request.stopSequences, &config)
        config.member("presencePenalty", request.presencePenalty)
        config.member("frequencyPenalty", request.frequencyPenalty)
        self.seed(&config)
        config.member("responseLogprobs", request.logprobs)
        config.member("logprobs", request.topLogprobs)
        Self.strings("responseModalities", request.modalities.map { $0.uppercased() }, &config)
        self.format(&config)
        self.thinking(&config)
        self.nested("generationConfig.", &config)
        config.endObject()
        if config.bytes.readableBytes > 2 { json.member("generationConfig", JSONText(unchecked: config.bytes)) }
    }

    /// Google's seed has 32 bits.
    private mutating func seed(_ json: inout JSONWriter) {
        guard let seed = self.request.seed else { return }
        if self.isOwn || Int32(seed.description) != nil {
            json.member("seed", seed)
        } else {
            self.lose(.seed, "The provider takes a seed of 32 bits.")
        }
    }

    private mutating func format(_ json: inout JSONWriter) {
        switch self.request.responseFormat {
        case nil: break
        case .text: json.member("responseMimeType", "text/plain")
        case .jsonObject: json.member("responseMimeType", "application/json")
        case .jsonSchema(let name, let description, let schema, _):
            if name != nil { self.lose(.responseFormatName, "A schema has no name.") }
            if description != nil { self.lose(.responseFormat, "The description beside the schema was left out.") }
            json.member("responseMimeType", "application/json")
            json.member("responseJsonSchema", schema)
        }
    }

    private mutating func thinking(_ json: inout JSONWriter) {
        let plan = GeminiThinkingPlan(self.request, losses: &self.losses)
        var thinking = JSONWriter()
        thinking.beginObject()
        thinking.member("includeThoughts", plan.includesThoughts)
        thinking.member("thinkingBudget", plan.budget)
        thinking.member("thinkingLevel", plan.level)
        self.nested("generationConfig.thinkingConfig.", &thinking)
        thinking.endObject()
        if thinking.bytes.readableBytes > 2 { json.member("thinkingConfig", JSONText(unchecked: thinking.bytes)) }
    }

    private mutating func reportUnsaid() {
        let request = self.request
        if request.parallelToolCalls == false {
            self.lose(.parallelToolCalls, "The model decides how many calls it makes.")
        }
        if request.logitBias != nil { self.lose(.logitBias, "Tokens have no biases.") }
        if request.endUser != nil { self.lose(.endUser, "The end user has no name.") }
        if request.verbosity != nil { self.lose(.verbosity, "The provider has no such option.") }
        if let tier = request.serviceTier, !self.isOwn, tier != "auto", tier != "default" {
            self.lose(.serviceTier, "The provider's tiers are others.")
        }
    }

    // MARK: Extensions

    private static let writtenPaths = [
        "toolConfig.functionCallingConfig.", "toolConfig.", "generationConfig.thinkingConfig.", "generationConfig.",
    ]

    /// Writes the client's own unknown members of one object.
    private func nested(_ prefix: String, _ json: inout JSONWriter) {
        guard self.isOwn else { return }
        for extra in self.request.extensions where extra.path.hasPrefix(prefix) {
            let key = extra.path.dropFirst(prefix.count)
            guard !key.utf8.contains(UInt8(ascii: ".")) else { continue }
            json.key(String(key))
            json.raw(extra.value)
        }
    }

    private mutating func extensions(_ json: inout JSONWriter) {
        if self.isOwn, let tier = self.request.serviceTier { json.member("serviceTier", tier) }
        for extra in self.request.extensions {
            if self.isOwn, !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            } else if !self.isOwn || !Self.isWritten(extra.path) {
                self.losses.add(extra.path, "generateContent has no such field")
            }
        }
    }

    private static func isWritten(_ path: String) -> Bool {
        self.writtenPaths.contains { prefix in
            path.hasPrefix(prefix) && !path.dropFirst(prefix.count).utf8.contains(UInt8(ascii: "."))
        }
    }
}
