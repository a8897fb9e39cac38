public import NIOCore
public import NeedletailCore

extension OpenAIChat {
    /// Writes a request for an upstream.
    ///
    /// The limit on output is written as `max_tokens`, which every compatible server knows; a provider's quirk renames
    /// it for models that refuse it. A stream always asks for the usage chunk. Fields that only some compatible servers
    /// know (`top_k`, `cache_control`, `thinking`, `reasoning_content`) are written for clients of this dialect, who
    /// wrote them themselves; for all others they are losses.
    ///
    /// - Returns: What the dialect could not carry.
    /// - Throws: `.unsupported` for content that chat completions cannot hold, such as a document at a URL.
    public static func encodeRequest(
        _ request: ChatRequest,
        into out: inout ByteBuffer
    ) throws(NeedletailError) -> [Loss] {
        var encoder = OpenAIChatRequestEncoder(request)
        try JSONWriter.append(to: &out) { (json: inout JSONWriter) throws(NeedletailError) in
            try encoder.encode(into: &json)
        }
        return encoder.losses
    }
}

/// The state of writing one request.
struct OpenAIChatRequestEncoder {
    let request: ChatRequest
    /// Whether the client speaks this dialect itself, and so means its unofficial fields.
    let isOwn: Bool
    var losses: [Loss] = []

    init(_ request: ChatRequest) {
        self.request = request
        self.isOwn = request.source == .openAIChat
    }

    mutating func lose(_ field: ModelField, _ reason: String) {
        self.losses.add(field.name(in: self.request.source), reason)
    }

    mutating func encode(into json: inout JSONWriter) throws(NeedletailError) {
        let request = self.request
        json.beginObject()
        json.member("model", request.model)
        json.key("messages")
        try self.messages(into: &json)
        self.tools(into: &json)
        json.member("max_tokens", request.maxOutputTokens)
        json.member("temperature", request.temperature)
        json.member("top_p", request.topP)
        if self.isOwn {
            json.member("top_k", request.topK)
        } else if request.topK != nil {
            self.lose(.topK, "chat completions have no top-k sampling")
        }
        json.member("frequency_penalty", request.frequencyPenalty)
        json.member("presence_penalty", request.presencePenalty)
        json.member("seed", request.seed)
        Self.strings("stop", request.stopSequences, into: &json)
        json.member("n", request.choiceCount)
        json.member("logprobs", request.logprobs)
        json.member("top_logprobs", request.topLogprobs)
        json.member("logit_bias", request.logitBias)
        self.responseFormat(into: &json)
        json.member("verbosity", request.verbosity)
        self.reasoning(into: &json)
        json.member("user", request.endUser)
        self.serviceTier(into: &json)
        Self.strings("modalities", request.modalities, into: &json)
        self.stream(into: &json)
        self.extensions(into: &json)
        json.endObject()
    }

    private static func strings(_ key: StaticString, _ strings: [String], into json: inout JSONWriter) {
        guard !strings.isEmpty else { return }
        json.key(key)
        json.beginArray()
        for string in strings { json.string(string) }
        json.endArray()
    }

    private func responseFormat(into json: inout JSONWriter) {
        guard let format = self.request.responseFormat else { return }
        json.key("response_format")
        json.beginObject()
        switch format {
        case .text: json.member("type", "text")
        case .jsonObject: json.member("type", "json_object")
        case .jsonSchema(let name, let description, let schema, let isStrict):
            json.member("type", "json_schema")
            json.key("json_schema")
            json.beginObject()
            json.member("name", name ?? "response")
            json.member("description", description)
            json.member("schema", schema)
            json.member("strict", isStrict)
            json.endObject()
        }
        json.endObject()
    }

    /// OpenAI knows an effort and nothing else; a client of this dialect gets its `thinking` object back.
    private mutating func reasoning(into json: inout JSONWriter) {
        guard let reasoning = self.request.reasoning else { return }
        if self.isOwn {
            json.member("reasoning_effort", reasoning.effort)
            guard reasoning.mode != .unspecified || reasoning.budgetTokens != nil || reasoning.display != nil else {
                return
            }
            json.key("thinking")
            json.beginObject()
            switch reasoning.mode {
            case .enabled, .unspecified: json.member("type", "enabled")
            case .disabled: json.member("type", "disabled")
            case .adaptive: json.member("type", "adaptive")
            }
            json.member("budget_tokens", reasoning.budgetTokens)
            json.member("display", reasoning.display)
            json.endObject()
            return
        }
        if reasoning.display != nil { self.lose(.reasoningDisplay, "OpenAI does not show reasoning") }
        if let effort = reasoning.effort, reasoning.mode != .disabled {
            json.member("reasoning_effort", Self.effort(effort))
            if reasoning.budgetTokens != nil {
                self.lose(.reasoningBudget, "carried as reasoning_effort")
            }
            return
        }
        switch reasoning.mode {
        case .disabled: self.lose(.reasoning, "OpenAI's models decide whether they reason")
        case .enabled, .unspecified:
            if let budget = reasoning.budgetTokens {
                json.member("reasoning_effort", ReasoningOptions.effort(forBudget: budget))
                self.lose(.reasoningBudget, "carried as reasoning_effort")
            } else if reasoning.mode == .enabled {
                json.member("reasoning_effort", "medium")
            }
        case .adaptive: break  // what OpenAI's models do when no effort is given
        }
    }

    /// Anthropic's `max` is above all that OpenAI documents.
    private static func effort(_ effort: String) -> String {
        effort == "max" ? "xhigh" : effort
    }

    /// Anthropic's tiers are `auto` and `standard_only`.
    private mutating func serviceTier(into json: inout JSONWriter) {
        guard let tier = self.request.serviceTier else { return }
        if self.request.source == .anthropicMessages, tier == "standard_only" {
            json.member("service_tier", "default")
        } else {
            json.member("service_tier", tier)
        }
    }

    private func stream(into json: inout JSONWriter) {
        guard self.request.isStreaming else { return }
        json.member("stream", true)
        json.key("stream_options")
        json.beginObject()
        json.member("include_usage", true)
        for extra in self.request.extensions where self.isOwn && extra.path == "stream_options.include_obfuscation" {
            json.member("include_obfuscation", extra.value)
        }
        json.endObject()
    }

    private mutating func extensions(into json: inout JSONWriter) {
        for extra in self.request.extensions {
            // A second limit beside `max_completion_tokens`; the name is taken by the first.
            let isTaken = extra.path == "max_tokens"
            if self.isOwn, !isTaken, !extra.path.utf8.contains(UInt8(ascii: ".")) {
                json.key(extra.path)
                json.raw(extra.value)
            } else if !self.isOwn || extra.path != "stream_options.include_obfuscation" {
                self.losses.add(extra.path, "chat completions have no such field")
            }
        }
    }
}
