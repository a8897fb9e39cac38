public import NIOCore
public import NeedletailCore

extension OpenAIResponses {
    /// Writes a request for an upstream.
    ///
    /// A client of another dialect keeps its conversation itself and has not asked OpenAI to: its requests say
    /// `store: false`, and where they ask for reasoning, the reasoning's state comes along encrypted.
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` for several replies, for sound, and for files of other providers.
    public static func encodeRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = OpenAIResponsesRequestEncoder(request)
        try encoder.check()
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try encoder.encode(into: &json)
        }
        return encoder.losses
    }
}

/// The state of writing one request.
struct OpenAIResponsesRequestEncoder {
    let request: ChatRequest
    /// Whether the client speaks this dialect itself.
    let isOwn: Bool
    var losses: [Loss] = []
    /// The calls with free text, whose results are items of another type.
    var customCalls: Set<String> = []

    init(_ request: ChatRequest) {
        self.request = request
        self.isOwn = request.source == .openAIResponses
    }

    mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.request.source), reason)
    }

    func unsupported(_ field: ModelField, _ message: String) -> NeedletailError {
        NeedletailError(.unsupported, message, parameter: field.name(in: self.request.source))
    }

    /// Refuses what cannot be left out without changing the meaning.
    func check() throws(NeedletailError) {
        if let count = self.request.choiceCount, count > 1 {
            throw self.unsupported(.choiceCount, "The responses API gives one reply to a request.")
        }
        if self.request.modalities.contains(where: { $0 != "text" }) {
            throw self.unsupported(.modalities, "The responses API answers in text alone.")
        }
    }

    mutating func encode(into json: inout JSONWriter) throws(NeedletailError) {
        let request = self.request
        json.beginObject()
        json.member("model", request.model)
        try self.conversation(into: &json)
        self.tools(into: &json)
        json.member("max_output_tokens", request.maxOutputTokens)
        json.member("temperature", request.temperature)
        json.member("top_p", request.topP)
        json.member("top_logprobs", request.topLogprobs)
        self.include(into: &json)
        self.text(into: &json)
        self.reasoning(into: &json)
        json.member("user", request.endUser)
        if let tier = request.serviceTier {
            // Anthropic's tiers are `auto` and `standard_only`.
            json.member("service_tier", tier == "standard_only" ? "default" : tier)
        }
        if !self.isOwn {
            json.key("store")
            json.bool(false)
        }
        if request.isStreaming { json.member("stream", true) }
        self.repeated(into: &json)
        self.extensions(into: &json)
        json.endObject()
        self.reportUnsaid()
    }

    /// `store` and `metadata`, which only what is repeated holds.
    private func repeated(into json: inout JSONWriter) {
        guard self.isOwn else { return }
        for member in self.request.echo where member.path == "store" || member.path == "metadata" {
            json.key(member.path)
            json.raw(member.value)
        }
    }

    private func include(into json: inout JSONWriter) {
        var words: [JSONText] = []
        for extra in self.request.extensions where self.isOwn && extra.path == "include" {
            if let view = try? extra.value.view() { words = view.elements.map(\.text) }
        }
        if self.request.logprobs == true { words.append(JSONText(string: "message.output_text.logprobs")) }
        if self.wantsState { words.append(JSONText(string: "reasoning.encrypted_content")) }
        guard !words.isEmpty else { return }
        json.key("include")
        json.beginArray()
        for word in words { json.raw(word) }
        json.endArray()
    }

    /// Models that do not reason refuse the wish, so that it follows the wish to reason.
    private var wantsState: Bool {
        if self.isOwn { return self.request.wantsReasoningState }
        guard let reasoning = self.request.reasoning, reasoning.mode != .disabled else { return false }
        return reasoning.effort != "none"
    }

    private func text(into json: inout JSONWriter) {
        guard self.request.responseFormat != nil || self.request.verbosity != nil else { return }
        json.key("text")
        json.beginObject()
        if let format = self.request.responseFormat {
            json.key("format")
            json.beginObject()
            switch format {
            case .text: json.member("type", "text")
            case .jsonObject: json.member("type", "json_object")
            case .jsonSchema(let name, let description, let schema, let isStrict):
                json.member("type", "json_schema")
                json.member("name", name ?? "response")
                json.member("description", description)
                json.member("schema", schema)
                // Other dialects' schemas are enforced, or leave it open, by rules of their own.
                json.member("strict", isStrict ?? (self.isOwn ? nil : self.request.source == .anthropicMessages))
            }
            json.endObject()
        }
        json.member("verbosity", self.request.verbosity)
        json.endObject()
    }

    private mutating func reasoning(into json: inout JSONWriter) {
        guard let reasoning = self.request.reasoning else { return }
        var effort = reasoning.effort
        switch reasoning.mode {
        case .disabled:
            effort = nil
            self.lose(.reasoning, "OpenAI's models decide whether they reason")
        case .enabled, .unspecified:
            if let budget = reasoning.budgetTokens {
                if effort == nil { effort = ReasoningOptions.effort(forBudget: budget) }
                self.lose(.reasoningBudget, "carried as reasoning.effort")
            } else if reasoning.mode == .enabled, effort == nil {
                effort = "medium"
            }
        case .adaptive: break  // what OpenAI's models do when no effort is given
        }
        // Anthropic's `max` is above all that OpenAI documents.
        if effort == "max" { effort = "xhigh" }
        var summary: JSONText?
        switch reasoning.display {
        case "summarized":
            let given = self.request.extensions.first { self.isOwn && $0.path == "reasoning.summary" }
            summary = given?.value ?? JSONText(string: "auto")
        case nil, "omitted": break
        default: self.lose(.reasoningDisplay, "reasoning is shown as a summary, or not")
        }
        guard effort != nil || summary != nil else { return }
        json.key("reasoning")
        json.beginObject()
        json.member("effort", effort)
        json.member("summary", summary)
        json.endObject()
    }

    private mutating func extensions(into json: inout JSONWriter) {
        for extra in self.request.extensions {
            guard self.isOwn else {
                self.losses.add(extra.path, "the responses API has no such field")
                continue
            }
            switch extra.path {
            case "include", "reasoning.summary": break
            case let path where !path.utf8.contains(UInt8(ascii: ".")):
                json.key(path)
                json.raw(extra.value)
            default: self.losses.add(extra.path, "kept only where the request goes through as it is")
            }
        }
    }

    private mutating func reportUnsaid() {
        let request = self.request
        let reason = "the responses API has no such field"
        if request.topK != nil { self.lose(.topK, reason) }
        if request.frequencyPenalty != nil { self.lose(.frequencyPenalty, reason) }
        if request.presencePenalty != nil { self.lose(.presencePenalty, reason) }
        if request.seed != nil { self.lose(.seed, reason) }
        if !request.stopSequences.isEmpty { self.lose(.stopSequences, reason) }
        if request.logitBias != nil { self.lose(.logitBias, reason) }
    }
}
