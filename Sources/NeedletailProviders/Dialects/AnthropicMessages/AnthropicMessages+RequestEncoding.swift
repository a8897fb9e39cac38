public import NIOCore
public import NeedletailCore

extension AnthropicMessages {
    /// Writes a request for `/v1/messages`.
    ///
    /// The rules are with the types that keep them: ``AnthropicTurns``, ``AnthropicThinkingPlan``, ``AnthropicToolIDs``.
    public static func encodeRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var writer = try AnthropicRequestWriter(request)
        return try writer.write(isCount: false, into: &out)
    }
}

/// Writes one request.
struct AnthropicRequestWriter {
    private let request: ChatRequest
    private let turns: AnthropicTurns
    private let plan: AnthropicThinkingPlan
    private var content: AnthropicContentWriter
    private var losses: [Loss]

    init(_ request: ChatRequest) throws(NeedletailError) {
        var losses: [Loss] = []
        try Self.check(request)
        self.request = request
        self.turns = try AnthropicTurns(request, losses: &losses)
        self.plan = AnthropicThinkingPlan(request, losses: &losses)
        self.content = AnthropicContentWriter(source: request.source)
        self.losses = losses
        self.limitMarkers()
    }

    private func name(_ field: AnthropicLossName.Field) -> String {
        AnthropicLossName.name(field, in: self.request.source)
    }

    /// Refuses what cannot be left out without changing the meaning.
    private static func check(_ request: ChatRequest) throws(NeedletailError) {
        if let count = request.choiceCount, count > 1 {
            throw Self.unsupported(.choiceCount, request, "This provider gives one reply to a request.")
        }
        if request.modalities.contains(where: { $0 != "text" }) {
            throw Self.unsupported(.audioOutput, request, "This provider answers in text alone.")
        }
        for tool in request.tools {
            if case .custom = tool.kind {
                throw Self.unsupported(.toolCustom, request, "This provider has no tools that take free text.")
            }
        }
    }

    private static func unsupported(
        _ field: AnthropicLossName.Field,
        _ request: ChatRequest,
        _ reason: String
    ) -> NeedletailError {
        let name = AnthropicLossName.name(field, in: request.source)
        return NeedletailError(.unsupported, "\(name): \(reason)", parameter: name)
    }

    mutating func write(isCount: Bool, into out: inout ByteBuffer) throws(NeedletailError) -> [Loss] {
        var json = JSONWriter(appendingTo: out)
        out = ByteBuffer()  // so that the writer owns the storage alone
        let start = json.bytes.writerIndex
        do {
            json.beginObject()
            json.member("model", self.request.model)
            if !isCount { json.member("max_tokens", self.plan.maxTokens) }
            self.writeTools(&json)
            self.writeSystem(&json)
            try self.writeMessages(&json)
            self.writeThinking(&json)
            if !isCount { self.writeReplyOptions(&json) }
            self.writeExtensions(&json, isCount: isCount)
            json.endObject()
        } catch {
            out = json.bytes
            out.moveWriterIndex(to: start)
            throw error
        }
        out = json.bytes
        if !isCount { self.reportUnsaid() }
        for loss in self.content.losses { self.losses.add(loss.field, loss.reason) }
        return self.losses
    }

    // MARK: Prompt

    /// Anthropic takes four cache markers; the last ones cover the most.
    private mutating func limitMarkers() {
        var count = self.request.tools.count(where: { $0.cacheMarker != nil })
        count += self.turns.system.count(where: { $0.cacheMarker != nil })
        for turn in self.turns.turns { count += AnthropicContentWriter.markers(turn.content) }
        guard count > AnthropicContentWriter.maximumMarkers else { return }
        self.content.markersToDrop = count - AnthropicContentWriter.maximumMarkers
        self.losses.add(self.name(.cacheMarker), "The provider takes four markers; the earliest ones were dropped.")
    }

    private mutating func writeSystem(_ json: inout JSONWriter) {
        guard let first = self.turns.system.first else { return }
        json.key("system")
        if self.turns.system.count == 1, first.cacheMarker == nil {
            json.string(first.text)
            return
        }
        json.beginArray()
        for part in self.turns.system { self.content.writeText(part, &json) }
        json.endArray()
    }

    private mutating func writeMessages(_ json: inout JSONWriter) throws(NeedletailError) {
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
    }

    // MARK: Tools

    private mutating func writeTools(_ json: inout JSONWriter) {
        var isOpen = false
        for tool in self.request.tools {
            if case .provider(_, _, let dialect) = tool.kind, dialect != .anthropicMessages {
                self.losses.add(self.name(.tool), "The tool \(tool.name) is another provider's.")
                continue
            }
            if !isOpen {
                json.key("tools")
                json.beginArray()
                isOpen = true
            }
            self.writeTool(tool, &json)
        }
        guard isOpen else {
            if self.request.toolChoice?.demandsTool == true {
                self.losses.add(self.name(.toolChoice), "There is no tool to choose.")
            }
            return
        }
        json.endArray()
        self.writeToolChoice(&json)
    }

    private mutating func writeTool(_ tool: Tool, _ json: inout JSONWriter) {
        switch tool.kind {
        case .provider(_, let definition, _):
            json.raw(definition)
        case .function(let parameters):
            json.beginObject()
            json.member("name", tool.name)
            json.member("description", tool.description)
            json.key("input_schema")
            json.raw(parameters ?? Self.emptySchema)
            json.member("strict", tool.isStrict)
            self.content.writeMarker(tool.cacheMarker, &json)
            json.endObject()
        case .custom: break  // refused before anything was written
        }
    }

    /// What a function without parameters takes.
    private static let emptySchema = JSONText(unchecked: #"{"type":"object","properties":{}}"#)

    private mutating func writeToolChoice(_ json: inout JSONWriter) {
        let isSerial = self.request.parallelToolCalls == false
        var choice = self.request.toolChoice
        if choice == nil {
            // `disable_parallel_tool_use` has no place of its own.
            guard self.request.parallelToolCalls != nil else { return }
            guard isSerial || self.request.source == .anthropicMessages else { return }
            choice = .auto
        }
        json.key("tool_choice")
        json.beginObject()
        switch choice {
        case .auto, nil: json.member("type", "auto")
        case .some(.none): json.member("type", "none")
        case .required: json.member("type", "any")
        case .tool(let name):
            json.member("type", "tool")
            json.member("name", name)
        case .allowed(let names, let isRequired):
            if isRequired, names.count == 1 {
                json.member("type", "tool")
                json.member("name", names.first)
            } else {
                self.losses.add(self.name(.toolChoice), "The provider cannot restrict a choice to some of the tools.")
                json.member("type", isRequired ? "any" : "auto")
            }
        }
        if choice != ToolChoice.none, isSerial { json.member("disable_parallel_tool_use", true) }
        if choice != ToolChoice.none, self.request.parallelToolCalls == true, self.request.source == .anthropicMessages
        {
            json.member("disable_parallel_tool_use", false)
        }
        json.endObject()
    }

    // MARK: Reasoning and format

    private mutating func writeThinking(_ json: inout JSONWriter) {
        if self.plan.thinking != .absent {
            json.key("thinking")
            self.plan.write(into: &json)
        }
        var schema: JSONText?
        switch self.request.responseFormat {
        case .jsonSchema(let name, let description, let given, let isStrict):
            schema = given
            if name != nil { self.losses.add(self.name(.schemaName), "A schema has no name.") }
            if description != nil {
                self.losses.add(self.name(.schemaDescription), "A schema has no description beside itself.")
            }
            if isStrict == false { self.losses.add(self.name(.schemaStrict), "The schema is always enforced.") }
        case .jsonObject, .text, nil: break  // JSON without a schema is asked for in the system prompt
        }
        guard schema != nil || self.plan.effort != nil else { return }
        json.key("output_config")
        json.beginObject()
        json.member("effort", self.plan.effort)
        if let schema {
            json.key("format")
            json.beginObject()
            json.member("type", "json_schema")
            json.member("schema", schema)
            json.endObject()
        }
        json.endObject()
    }

    // MARK: The rest

    private mutating func writeReplyOptions(_ json: inout JSONWriter) {
        self.writeSampling(&json)
        let stops = self.request.stopSequences.filter { !$0.allSatisfy(\.isWhitespace) }
        if stops.count < self.request.stopSequences.count {
            self.losses.add(self.name(.stop), "The provider refuses stop sequences of white space alone.")
        }
        if !stops.isEmpty {
            json.key("stop_sequences")
            json.beginArray()
            for stop in stops { json.string(stop) }
            json.endArray()
        }
        if self.request.isStreaming { json.member("stream", true) }
        if let user = self.request.endUser {
            json.key("metadata")
            json.beginObject()
            json.member("user_id", user)
            json.endObject()
        }
        guard let tier = self.request.serviceTier else { return }
        switch tier {
        case _ where self.request.source == .anthropicMessages: json.member("service_tier", tier)
        case "auto", "standard_only": json.member("service_tier", tier)
        case "default": json.member("service_tier", "standard_only")
        default: self.losses.add(self.name(.serviceTier), "The provider has no tier \(tier).")
        }
    }

    private mutating func writeSampling(_ json: inout JSONWriter) {
        let sampling = AnthropicSampling(self.request, self.plan, losses: &self.losses)
        json.member("temperature", sampling.temperature)
        json.member("top_p", sampling.topP)
        json.member("top_k", sampling.topK)
    }

    /// Fields that count_tokens takes besides those of the model.
    private static let countedExtensions: Set<String> = ["mcp_servers", "context_management", "container", "speed"]

    private mutating func writeExtensions(_ json: inout JSONWriter, isCount: Bool) {
        let isOwn = self.request.source == .anthropicMessages
        for field in self.request.extensions {
            if isOwn, !field.path.utf8.contains(UInt8(ascii: ".")) {
                guard !isCount || Self.countedExtensions.contains(field.path) else { continue }
                json.key(field.path)
                json.raw(field.value)
            } else {
                self.losses.add(field.path, "The field has no counterpart.")
            }
        }
    }

    private mutating func reportUnsaid() {
        let request = self.request
        let reason = "The provider has no such field."
        if request.seed != nil { self.losses.add(self.name(.seed), reason) }
        if request.frequencyPenalty != nil { self.losses.add(self.name(.frequencyPenalty), reason) }
        if request.presencePenalty != nil { self.losses.add(self.name(.presencePenalty), reason) }
        if request.verbosity != nil { self.losses.add(self.name(.verbosity), reason) }
        if request.logitBias != nil { self.losses.add(self.name(.logitBias), reason) }
        if request.logprobs == true { self.losses.add(self.name(.logprobs), reason) }
        if let count = request.topLogprobs, count > 0 { self.losses.add(self.name(.topLogprobs), reason) }
    }
}
