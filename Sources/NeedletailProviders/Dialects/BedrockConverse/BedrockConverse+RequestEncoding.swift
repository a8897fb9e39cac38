public import NIOCore
public import NeedletailCore

extension BedrockConverse {
    /// Writes a request for `/model/{model}/converse` and `/converse-stream`; neither model nor stream stands in it.
    ///
    /// Turns, reasoning and sampling follow the rules of Anthropic's dialect where the model is Anthropic's.
    public static func encodeRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = try BedrockRequestWriter(request)
        try JSONWriter.append(to: &out) { json throws(NeedletailError) in try writer.write(&json) }
        return writer.losses
    }
}

/// Writes one request.
struct BedrockRequestWriter {
    private let request: ChatRequest
    private let turns: AnthropicTurns
    private let fields: BedrockModelFields
    private var content: BedrockContentWriter
    private var found: [Loss]

    /// What could not be carried.
    var losses: [Loss] {
        var losses = self.found
        for loss in self.content.losses { losses.add(loss.field, loss.reason) }
        return losses
    }

    init(_ request: ChatRequest) throws(NeedletailError) {
        var losses: [Loss] = []
        try Self.check(request)
        self.request = request
        self.turns = try AnthropicTurns(request, for: .bedrockConverse, losses: &losses)
        var fields = BedrockModelFields(request)
        fields.plan(losses: &losses)
        self.fields = fields
        self.content = BedrockContentWriter(source: request.source)
        self.content.mayCache = BedrockModelFamily(model: request.model).mayCache
        self.found = losses
        self.limitMarkers()
    }

    private mutating func lose(_ field: ModelField, _ reason: String) {
        self.found.add(field.name(in: self.request.source), reason)
    }

    /// Refuses what cannot be left out without changing the meaning.
    private static func check(_ request: ChatRequest) throws(NeedletailError) {
        func refusal(_ field: ModelField, _ reason: String) -> NeedletailError {
            let name = field.name(in: request.source)
            return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
        }
        if let count = request.choiceCount, count > 1 {
            throw refusal(.choiceCount, "This provider gives one reply to a request.")
        }
        if request.modalities.contains(where: { $0 != "text" }) {
            throw refusal(.modalities, "This provider answers in text alone.")
        }
        for tool in request.tools {
            if case .custom = tool.kind {
                throw refusal(.toolFormat, "This provider has no tools that take free text.")
            }
        }
    }

    mutating func write(_ json: inout JSONWriter) throws(NeedletailError) {
        json.beginObject()
        try self.writePrompt(&json)
        self.writeInference(&json)
        self.writeOutput(&json)
        if !self.request.stopSequences.isEmpty, !self.asksForFields {
            // Which sequence it was, where the model says; a path that leads nowhere is passed over.
            json.key("additionalModelResponseFieldPaths")
            json.beginArray()
            json.string("/stop_sequence")
            json.endArray()
        }
        self.writeOptions(&json)
        self.writeExtensions(&json)
        json.endObject()
        self.reportUnsaid()
    }

    private var asksForFields: Bool {
        self.request.source == .bedrockConverse
            || self.request.extensions.contains { $0.path == "additionalModelResponseFieldPaths" }
    }

    /// Writes what is counted: prompt, tools and the model's own fields.
    mutating func writePrompt(_ json: inout JSONWriter) throws(NeedletailError) {
        self.writeTools(&json)
        self.writeSystem(&json)
        json.key("messages")
        json.beginArray()
        for turn in self.turns.turns {
            json.beginObject()
            json.member("role", turn.role.rawValue)
            json.key("content")
            try self.content.write(turn.content, &json)
            json.endObject()
        }
        json.endArray()
        guard !self.fields.members.isEmpty else { return }
        json.key("additionalModelRequestFields")
        json.beginObject()
        for member in self.fields.members {
            json.key(member.key)
            json.raw(member.value)
        }
        json.endObject()
    }

    /// The last cache points cover the most.
    private mutating func limitMarkers() {
        var count = self.request.tools.count(where: { $0.cacheMarker != nil })
        count += self.turns.system.count(where: { $0.cacheMarker != nil })
        for turn in self.turns.turns { count += AnthropicContentWriter.markers(turn.content) }
        guard self.content.mayCache, count > BedrockContentWriter.maximumMarkers else { return }
        self.content.markersToDrop = count - BedrockContentWriter.maximumMarkers
        self.lose(.contentCacheMarker, "The provider takes four cache points; the earliest ones were dropped.")
    }

    private mutating func writeSystem(_ json: inout JSONWriter) {
        guard !self.turns.system.isEmpty else { return }
        json.key("system")
        json.beginArray()
        for part in self.turns.system {
            json.beginObject()
            json.member("text", part.text)
            json.endObject()
            self.content.writeMarker(part.cacheMarker, &json, field: .systemCacheMarker)
        }
        json.endArray()
    }

    // MARK: Tools

    private mutating func writeTools(_ json: inout JSONWriter) {
        var tools: [Tool] = []
        for tool in self.request.tools {
            if case .provider(_, _, let dialect) = tool.kind, dialect != .bedrockConverse {
                self.lose(.tool, "The tool \(tool.name) is another provider's.")
            } else {
                tools.append(tool)
            }
        }
        // Bedrock refuses a conversation that holds calls of tools unless it is told of tools.
        let called = self.calledTools
        if tools.isEmpty {
            if self.request.toolChoice?.demandsTool == true { self.lose(.toolChoice, "There is no tool to choose.") }
            tools = called.map { Tool(name: $0, kind: .function(parameters: nil)) }
        } else if self.request.toolChoice == ToolChoice.none, called.isEmpty {
            // No tool is to be called, so none is offered: Bedrock has no other word for it.
            self.lose(.tool, "The provider cannot be shown tools that it may not call.")
            return
        }
        guard !tools.isEmpty else { return }
        json.key("toolConfig")
        json.beginObject()
        json.key("tools")
        json.beginArray()
        for tool in tools {
            if case .provider(_, let definition, _) = tool.kind {
                json.raw(definition)
            } else {
                Self.writeTool(tool, &json)
            }
            self.content.writeMarker(tool.cacheMarker, &json, field: .toolCacheMarker)
        }
        json.endArray()
        self.writeToolChoice(&json)
        json.endObject()
    }

    private var calledTools: [String] {
        var names: [String] = []
        for turn in self.turns.turns {
            for case .toolCall(let call) in turn.content where !names.contains(call.name) { names.append(call.name) }
        }
        return names
    }

    private static func writeTool(_ tool: Tool, _ json: inout JSONWriter) {
        guard case .function(let parameters) = tool.kind else { return }
        json.beginObject()
        json.key("toolSpec")
        json.beginObject()
        json.member("name", tool.name)
        if let description = tool.description, !description.isEmpty { json.member("description", description) }
        json.key("inputSchema")
        json.beginObject()
        json.member("json", parameters ?? Self.emptySchema)
        json.endObject()
        json.member("strict", tool.isStrict)
        json.endObject()
        json.endObject()
    }

    /// What a function without parameters takes.
    private static let emptySchema = JSONText(unchecked: #"{"type":"object","properties":{}}"#)

    private mutating func writeToolChoice(_ json: inout JSONWriter) {
        guard !self.request.tools.isEmpty, let choice = self.request.toolChoice else { return }
        let word: StaticString
        var name: String?
        switch choice {
        case .auto: word = "auto"
        case .none:
            self.lose(.toolChoice, "The provider cannot be told to call none of the tools in the conversation.")
            return
        case .required: word = "any"
        case .tool(let tool): (word, name) = ("tool", tool)
        case .allowed(let names, let isRequired):
            if isRequired, names.count == 1 {
                (word, name) = ("tool", names.first)
            } else {
                self.lose(.allowedTools, "The provider cannot restrict a choice to some of the tools.")
                word = isRequired ? "any" : "auto"
            }
        }
        json.key("toolChoice")
        json.beginObject()
        json.key(word)
        json.beginObject()
        json.member("name", name)
        json.endObject()
        json.endObject()
    }

    // MARK: Options

    private mutating func writeInference(_ json: inout JSONWriter) {
        let temperature: JSONText?
        let topP: JSONText?
        if let sampling = self.fields.sampling {
            (temperature, topP) = (sampling.temperature, sampling.topP)
        } else {
            (temperature, topP) = (self.temperature(), self.request.topP)
        }
        let stops = self.request.stopSequences.filter { !$0.allSatisfy(\.isWhitespace) }
        if stops.count < self.request.stopSequences.count {
            self.lose(.stopSequences, "The provider refuses stop sequences of white space alone.")
        }
        guard self.fields.maxTokens != nil || temperature != nil || topP != nil || !stops.isEmpty else { return }
        json.key("inferenceConfig")
        json.beginObject()
        json.member("maxTokens", self.fields.maxTokens)
        json.member("temperature", temperature)
        json.member("topP", topP)
        if !stops.isEmpty {
            json.key("stopSequences")
            json.beginArray()
            for stop in stops { json.string(stop) }
            json.endArray()
        }
        json.endObject()
    }

    /// The temperature, at most Bedrock's 1.
    private mutating func temperature() -> JSONText? {
        guard let text = self.request.temperature, let value = Double(text.description), value > 1,
            self.request.source != .bedrockConverse
        else { return self.request.temperature }
        self.lose(.temperature, "The provider's scale ends at 1.")
        return JSONText(1)
    }

    private mutating func writeOutput(_ json: inout JSONWriter) {
        var format: (schema: JSONText, name: String?, description: String?)?
        switch self.request.responseFormat {
        case .jsonSchema(let name, let description, let schema, let isStrict):
            format = (schema, name, description)
            if isStrict == false { self.lose(.responseFormatStrict, "The schema is always enforced.") }
        case .jsonObject, .text, nil: break  // JSON without a schema is asked for in the system prompt
        }
        guard format != nil || self.fields.effort != nil else { return }
        json.key("outputConfig")
        json.beginObject()
        json.member("effort", self.fields.effort)
        if let format {
            json.key("textFormat")
            json.beginObject()
            json.member("type", "json_schema")
            json.key("structure")
            json.beginObject()
            json.key("jsonSchema")
            json.beginObject()
            json.member("schema", format.schema.description)
            json.member("name", format.name)
            json.member("description", format.description)
            json.endObject()
            json.endObject()
            json.endObject()
        }
        json.endObject()
    }

    private mutating func writeOptions(_ json: inout JSONWriter) {
        if let user = self.request.endUser {
            if user.utf8.count <= 256, user.unicodeScalars.allSatisfy(Self.isOfMetadata) {
                json.key("requestMetadata")
                json.beginObject()
                json.member("user_id", user)
                json.endObject()
            } else {
                self.lose(.endUser, "The provider does not take such a name.")
            }
        }
        guard let tier = self.request.serviceTier else { return }
        switch tier {
        case "auto": return  // what the provider does unasked
        case "priority", "default", "flex", "reserved": self.writeTier(tier, &json)
        case "standard_only": self.writeTier("default", &json)
        case _ where self.request.source == .bedrockConverse: self.writeTier(tier, &json)
        default: self.lose(.serviceTier, "The provider has no tier \(tier).")
        }
    }

    /// Bedrock's pattern for values of `requestMetadata`.
    private static func isOfMetadata(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", " ", ":", "_", "@", "$", "#", "=", "/", "+", ",", "-", ".": true
        default: false
        }
    }

    private func writeTier(_ tier: String, _ json: inout JSONWriter) {
        json.key("serviceTier")
        json.beginObject()
        json.member("type", tier)
        json.endObject()
    }

    private mutating func writeExtensions(_ json: inout JSONWriter) {
        let isOwn = self.request.source == .bedrockConverse
        for field in self.request.extensions where !self.fields.holds(field) {
            if isOwn, !field.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(field.path)
                json.raw(field.value)
            } else {
                self.found.add(field.path, "The field has no counterpart.")
            }
        }
    }

    private mutating func reportUnsaid() {
        let request = self.request
        let reason = "The provider has no such field."
        if request.seed != nil { self.lose(.seed, reason) }
        if request.frequencyPenalty != nil { self.lose(.frequencyPenalty, reason) }
        if request.presencePenalty != nil { self.lose(.presencePenalty, reason) }
        if request.verbosity != nil { self.lose(.verbosity, reason) }
        if request.logitBias != nil { self.lose(.logitBias, reason) }
        if request.logprobs == true { self.lose(.logprobs, reason) }
        if let count = request.topLogprobs, count > 0 { self.lose(.topLogprobs, reason) }
    }
}
