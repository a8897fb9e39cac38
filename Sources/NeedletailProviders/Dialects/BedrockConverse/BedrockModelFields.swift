import NeedletailCore

/// `additionalModelRequestFields`: what a model takes beyond the fields that all have, in the words of its vendor.
struct BedrockModelFields {
    /// What is being filled or written.
    private(set) var request: ChatRequest

    init(_ request: ChatRequest) {
        self.request = request
    }

    // MARK: Reading

    private static let path = "additionalModelRequestFields"

    /// Reads the object; what the model has no place for is kept, member by member.
    mutating func read(_ fields: JSONView) throws(AnthropicFieldError) {
        for member in fields.members where !member.value.isNull {
            let (key, value) = (member.key, member.value)
            do {
                guard try !self.take(key, value) else { continue }
            } catch {
                throw error.inside(key)
            }
            self.request.extensions.append(Extension("\(Self.path).\(key)", value.text))
        }
    }

    /// Reads one member.
    ///
    /// - Returns: `false` for what is no field of the model's.
    private mutating func take(_ key: String, _ value: JSONView) throws(AnthropicFieldError) -> Bool {
        switch key {
        case "top_k", "k":
            guard let number = value.number else { return false }
            self.request.topK = number
        case "inferenceConfig":
            guard let number = value.present("topK")?.number else { return false }
            self.request.topK = number
            self.request.extensions.keepUnknown(value, known: ["topK"], path: "\(Self.path).inferenceConfig")
        case "thinking", "reasoning_config": try self.readThinking(key, value)
        case "reasoningConfig":
            guard value.kind == .object else { return false }
            self.request.reasoning = ReasoningOptions(
                mode: value.present("type")?.string == "disabled" ? .disabled : .enabled,
                effort: value.present("maxReasoningEffort")?.string)
            self.request.extensions.keepUnknown(
                value, known: ["type", "maxReasoningEffort"], path: "\(Self.path).reasoningConfig")
        case "reasoning_effort":
            guard let effort = value.string else { return false }
            self.request.reasoning = self.request.reasoning ?? ReasoningOptions()
            self.request.reasoning?.effort = effort
        case "output_config":
            guard let effort = value.present("effort")?.string else { return false }
            self.request.reasoning = self.request.reasoning ?? ReasoningOptions()
            self.request.reasoning?.effort = effort
            self.request.extensions.keepUnknown(value, known: ["effort"], path: "\(Self.path).output_config")
        case "tool_choice":
            guard let isSerial = value.present("disable_parallel_tool_use")?.bool else { return false }
            self.request.parallelToolCalls = !isSerial
            if value.present("type")?.string == "none" { self.request.toolChoice = ToolChoice.none }
        default: return false
        }
        return true
    }

    private mutating func readThinking(_ key: String, _ thinking: JSONView) throws(AnthropicFieldError) {
        try AnthropicField.object(thinking)
        var options = ReasoningOptions(effort: self.request.reasoning?.effort)
        switch try AnthropicField.requiredString(thinking, "type") {
        case "enabled": options.mode = .enabled
        case "disabled": options.mode = .disabled
        case "adaptive": options.mode = .adaptive
        default: throw AnthropicFieldError("type", "Input should be 'enabled', 'disabled' or 'adaptive'")
        }
        options.budgetTokens = try AnthropicField.int(thinking, "budget_tokens")
        options.display = try AnthropicField.string(thinking, "display")
        self.request.reasoning = options
        self.request.extensions.keepUnknown(
            thinking, known: ["type", "budget_tokens", "display"], path: "\(Self.path).\(key)")
    }

    // MARK: Writing

    /// What is to be written: a key and what it holds, in order.
    private(set) var members: [(key: String, value: JSONText)] = []
    /// `outputConfig.effort`.
    private(set) var effort: String?
    /// The limit on output tokens, where reasoning asks for one.
    private(set) var maxTokens: Int?
    /// Whether a sampling field may be sent.
    private(set) var sampling: AnthropicSampling?

    /// Puts the request's wishes into the words of its model.
    mutating func plan(losses: inout [Loss]) {
        let family = BedrockModelFamily(model: self.request.model)
        self.maxTokens = self.request.maxOutputTokens
        if family == .claude {
            self.planThinking(&losses)
        } else {
            self.planEffort(family, &losses)
        }
        self.planTopK(family, &losses)
        self.planParallelCalls(family, &losses)
        guard self.request.source == .bedrockConverse else { return }
        let prefix = Self.path + "."
        for field in self.request.extensions where field.path.hasPrefix(prefix) {
            let key = String(field.path.dropFirst(prefix.count))
            if !key.contains(".") { self.members.append((key, field.value)) }
        }
    }

    /// Whether an extension of the request was written by ``plan(losses:)``.
    func holds(_ field: Extension) -> Bool {
        let prefix = Self.path + "."
        guard field.path.hasPrefix(prefix) else { return false }
        return self.members.contains { $0.key == field.path.dropFirst(prefix.count) }
    }

    private mutating func planThinking(_ losses: inout [Loss]) {
        let isOwn = self.request.source == .bedrockConverse
        var words = self.request
        // Bedrock's own words for it are Anthropic's.
        if isOwn { words.source = .anthropicMessages }
        let plan = AnthropicThinkingPlan(words, losses: &losses)
        if plan.isOn, self.maxTokens != nil || !isOwn { self.maxTokens = plan.maxTokens }
        self.effort = plan.effort
        self.sampling = AnthropicSampling(words, plan, losses: &losses)
        guard plan.thinking != .absent else { return }
        var json = JSONWriter()
        plan.write(into: &json)
        self.members.append(("thinking", JSONText(unchecked: json.bytes)))
    }

    private mutating func planEffort(_ family: BedrockModelFamily, _ losses: inout [Loss]) {
        guard let options = self.request.reasoning else { return }
        if self.request.source == .bedrockConverse, options.budgetTokens != nil || options.mode == .adaptive {
            // The request's own words, for a model whose name says nothing.
            var words = self.request
            words.source = .anthropicMessages
            var json = JSONWriter()
            AnthropicThinkingPlan(words, losses: &losses).write(into: &json)
            self.members.append(("thinking", JSONText(unchecked: json.bytes)))
            self.effort = options.effort
            return
        }
        guard options.mode != .disabled, options.effort != "none" else { return }
        let effort = options.effort ?? options.budgetTokens.map(ReasoningOptions.effort(forBudget:))
        guard effort != nil || options.mode != .unspecified else { return }
        let word = effort == "minimal" ? "low" : effort ?? "medium"
        switch family {
        case .nova:
            var json = JSONWriter()
            json.beginObject()
            json.member("type", "enabled")
            json.member("maxReasoningEffort", ["low", "medium", "high"].contains(word) ? word : "high")
            json.endObject()
            self.members.append(("reasoningConfig", JSONText(unchecked: json.bytes)))
        case .gptOSS: self.members.append(("reasoning_effort", JSONText(string: word)))
        case .other where self.request.source == .bedrockConverse: self.effort = options.effort
        case .claude, .command, .mistral, .other:
            losses.add(
                ModelField.reasoningEffort.name(in: self.request.source), "The model cannot be told how to reason.")
            return
        }
        if options.budgetTokens != nil {
            losses.add(
                ModelField.reasoningBudget.name(in: self.request.source), "The model takes an effort and no budget.")
        }
        if options.display != nil {
            losses.add(
                ModelField.reasoningDisplay.name(in: self.request.source), "The model shows its reasoning as it does.")
        }
    }

    private mutating func planTopK(_ family: BedrockModelFamily, _ losses: inout [Loss]) {
        let topK = self.sampling.map(\.topK) ?? self.request.topK
        guard let topK else { return }
        switch family {
        case .claude, .mistral: self.members.append(("top_k", topK))
        case .command: self.members.append(("k", topK))
        case .nova: self.members.append(("inferenceConfig", JSONText(unchecked: "{\"topK\":\(topK)}")))
        case .other where self.request.source == .bedrockConverse: self.members.append(("top_k", topK))
        case .gptOSS, .other: losses.add(ModelField.topK.name(in: self.request.source), "The model does not take it.")
        }
    }

    private mutating func planParallelCalls(_ family: BedrockModelFamily, _ losses: inout [Loss]) {
        guard let isParallel = self.request.parallelToolCalls, !self.request.tools.isEmpty else { return }
        let isOwn = self.request.source == .bedrockConverse
        guard !isParallel || isOwn else { return }
        guard family == .claude || isOwn else {
            losses.add(
                ModelField.parallelToolCalls.name(in: self.request.source), "The model cannot be told to make one call."
            )
            return
        }
        var json = JSONWriter()
        json.beginObject()
        switch self.request.toolChoice {
        case .required, .allowed(_, isRequired: true): json.member("type", "any")
        case .tool(let name):
            json.member("type", "tool")
            json.member("name", name)
        case .auto, .some(.none), .allowed, nil: json.member("type", "auto")
        }
        json.member("disable_parallel_tool_use", !isParallel)
        json.endObject()
        self.members.append(("tool_choice", JSONText(unchecked: json.bytes)))
    }
}
