import NeedletailCore

/// The state of writing one request for an upstream.
struct CohereRequestEncoder {
    let request: ChatRequest
    var report: LossReport
    private let isOwn: Bool

    init(_ request: ChatRequest) {
        self.request = request
        self.report = LossReport(request.source)
        self.isOwn = request.source == .cohereChat
    }

    /// What Cohere has no words for.
    private static let unsaid: [ModelField] = [
        .parallelToolCalls, .topLogprobs, .logitBias, .responseFormatName, .responseFormatStrict, .reasoningDisplay,
        .endUser, .serviceTier, .verbosity, .messageName, .systemCacheMarker, .contentCacheMarker, .contentCitations,
        .contentRefusal, .contentSignature, .contentRedacted, .toolCallCustom, .toolCacheMarker, .documentContext,
    ]

    mutating func encode(into json: inout JSONWriter) throws(NeedletailError) {
        try self.check()
        self.report.loseSaid(
            self.isOwn ? Self.unsaid.filter { $0 != .contentCitations } : Self.unsaid, of: self.request,
            "Cohere has no such field.")
        let request = self.request
        json.beginObject()
        json.member("model", request.model)
        var messages = CohereMessageWriter(request, self.report)
        try messages.write(into: &json)
        self.report = messages.report
        self.documents(messages.documents, into: &json)
        self.tools(into: &json)
        self.responseFormat(into: &json)
        self.thinking(into: &json)
        json.member("max_tokens", request.maxOutputTokens)
        json.member("temperature", request.temperature)
        json.member("p", request.topP)
        json.member("k", request.topK)
        json.member("frequency_penalty", request.frequencyPenalty)
        json.member("presence_penalty", request.presencePenalty)
        json.member("seed", request.seed)
        if !request.stopSequences.isEmpty {
            json.key("stop_sequences")
            json.beginArray()
            for stop in request.stopSequences { json.string(stop) }
            json.endArray()
        }
        json.member("logprobs", request.logprobs)
        json.member("stream", request.isStreaming)
        self.extensions(into: &json)
        json.endObject()
    }

    /// Refuses what cannot be left out without changing the meaning.
    private func check() throws(NeedletailError) {
        try CompletionFields.check(self.request, for: .cohereChat)
        if self.request.says(.choiceCount) {
            throw self.report.refusal(.choiceCount, "This provider gives one reply to a request.")
        }
        if self.request.says(.modalities) {
            throw self.report.refusal(.modalities, "This provider answers in text alone.")
        }
        if self.request.says(.toolFormat) {
            throw self.report.refusal(.toolFormat, "This provider has no tools that take free text.")
        }
    }

    /// Documents stand beside the conversation. Cohere cites them unless it is told not to.
    private func documents(_ documents: [DocumentPart], into json: inout JSONWriter) {
        guard !documents.isEmpty else { return }
        json.key("documents")
        json.beginArray()
        for (index, document) in documents.enumerated() {
            CohereDocument.write(
                DocumentText.content(document.source) ?? "", title: document.title, id: "doc:\(index)", into: &json)
        }
        json.endArray()
        let isSaid = self.isOwn && self.request.extensions.contains { $0.path == "citation_options" }
        guard !isSaid, documents.allSatisfy({ $0.citationsEnabled == false }) else { return }
        json.key("citation_options")
        json.beginObject()
        json.member("mode", "OFF")
        json.endObject()
    }

    /// A choice of one tool is a demand where only this tool is shown.
    private mutating func tools(into json: inout JSONWriter) {
        var names: [String]?
        var choice: String?
        switch self.request.toolChoice {
        case .some(.none): choice = "NONE"
        case .required: choice = "REQUIRED"
        case .tool(let name): (names, choice) = ([name], "REQUIRED")
        case .allowed(let allowed, let isRequired): (names, choice) = (allowed, isRequired ? "REQUIRED" : nil)
        case .auto, nil: break
        }
        var tools: [Tool] = []
        for tool in self.request.tools where names?.contains(tool.name) ?? true {
            if case .provider(_, _, let dialect) = tool.kind, dialect != .cohereChat {
                self.report.lose(.tool, "A tool that its provider runs is unknown elsewhere.")
            } else {
                tools.append(tool)
            }
        }
        guard !tools.isEmpty else {
            if self.request.toolChoice?.demandsTool == true {
                self.report.lose(.toolChoice, "There is no tool to choose.")
            }
            return
        }
        json.key("tools")
        json.beginArray()
        for tool in tools { Self.tool(tool, into: &json) }
        json.endArray()
        json.member("tool_choice", choice)
        let strict = tools.count { $0.isStrict == true }
        if strict == tools.count {
            json.member("strict_tools", true)
        } else if strict > 0 {
            self.report.lose(.toolStrict, "All tools are strict or none is.")
        }
    }

    private static func tool(_ tool: Tool, into json: inout JSONWriter) {
        var parameters: JSONText?
        switch tool.kind {
        case .provider(_, let definition, _):
            json.raw(definition)
            return
        case .function(let given): parameters = given
        case .custom: return  // refused before anything was written
        }
        json.beginObject()
        json.member("type", "function")
        json.key("function")
        json.beginObject()
        json.member("name", tool.name)
        json.member("description", tool.description)
        json.key("parameters")
        json.raw(parameters ?? JSONText(unchecked: #"{"type":"object","properties":{}}"#))
        json.endObject()
        json.endObject()
    }

    private func responseFormat(into json: inout JSONWriter) {
        guard let format = self.request.responseFormat else { return }
        json.key("response_format")
        json.beginObject()
        switch format {
        case .text: json.member("type", "text")
        case .jsonObject: json.member("type", "json_object")
        case .jsonSchema(_, _, let schema, _):
            json.member("type", "json_object")
            json.member("json_schema", schema)
        }
        json.endObject()
    }

    private mutating func thinking(into json: inout JSONWriter) {
        guard let reasoning = self.request.reasoning else { return }
        let isOff = reasoning.mode == .disabled || reasoning.effort == "none"
        if let effort = reasoning.effort, effort != "none" {
            self.report.lose(.reasoningEffort, "Cohere knows a budget of tokens and no effort.")
        }
        guard reasoning.mode != .unspecified || reasoning.effort != nil || reasoning.budgetTokens != nil else { return }
        json.key("thinking")
        json.beginObject()
        json.member("type", isOff ? "disabled" : "enabled")
        json.member("token_budget", reasoning.budgetTokens)
        json.endObject()
    }

    private mutating func extensions(into json: inout JSONWriter) {
        for extra in self.request.extensions {
            if self.isOwn, !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            } else {
                self.report.lose(named: extra.path, "Cohere has no such field.")
            }
        }
    }
}
