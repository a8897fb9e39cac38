import NeedletailCore

/// How a request's wish to reason is put in Anthropic's words, and the limit on output that goes with it.
///
/// A request that came from Anthropic is repeated word for word. For all others:
/// - models since 4.6 get `thinking: adaptive` and `output_config.effort`;
/// - other models, and models whose name says nothing, get `thinking: enabled` with a budget: as given, else by effort;
/// - a budget may be no more than four fifths of the limit the client set (the limit counts reasoning too), and no less
///   than Anthropic's minimum: below it reasoning is left out;
/// - a forced tool excludes reasoning at Anthropic; the tool wins, since clients depend on it for the reply's form;
/// - so does a tool call in the last turn that lacks the reasoning it came from, which Anthropic refuses.
struct AnthropicThinkingPlan {
    /// `thinking`.
    enum Thinking: Equatable {
        case absent, disabled, adaptive
        case enabled(budget: Int?)
    }

    /// `thinking`.
    var thinking = Thinking.absent
    /// `thinking.display`.
    var display: String?
    /// `output_config.effort`.
    var effort: String?
    /// `max_tokens`.
    var maxTokens: Int
    /// Whether the model will reason.
    var isOn: Bool {
        switch self.thinking {
        case .adaptive, .enabled: true
        case .absent, .disabled: false
        }
    }

    /// `max_tokens` where the client set no limit; the field is mandatory at Anthropic.
    static let defaultMaxTokens = 4096
    /// Anthropic's least budget.
    static let minimumBudget = 1024

    /// Tokens of reasoning by effort. `low` is LiteLLM's figure (1024); the others are near what OpenRouter's shares
    /// (0.5 and 0.8 of the limit) give for limits from 16k to 20k, and read back as the same effort
    /// (``NeedletailCore/ReasoningOptions/effort(forBudget:)``).
    static func budget(forEffort effort: String) -> Int {
        switch effort {
        case "minimal", "low": 1024
        case "high": 16_384
        case "xhigh", "max": 32_768
        default: 8192
        }
    }

    init(_ request: ChatRequest, losses: inout [Loss]) {
        let wanted = request.maxOutputTokens ?? Self.defaultMaxTokens
        self.maxTokens = wanted
        guard let options = request.reasoning else { return }
        if request.source == .anthropicMessages {
            self.repeatWords(options, hasLimit: request.maxOutputTokens != nil)
            return
        }
        self.display = options.display
        let version = AnthropicModelVersion(request.model)
        let isOff = options.mode == .disabled || options.effort == "none"
        if isOff {
            if let version, version.canThink { self.thinking = .disabled }
            return
        }
        guard options.mode != .unspecified || options.effort != nil || options.budgetTokens != nil else { return }
        if let obstacle = Self.obstacle(request, version) {
            losses.add(AnthropicLossName.name(.reasoningEffort, in: request.source), obstacle)
            return
        }
        if let version, version.thinksAdaptively {
            self.adapt(options, version, request, &losses)
        } else {
            self.spend(options, request, &losses)
        }
    }

    /// Writes the object that `thinking` holds; there must be one.
    func write(into json: inout JSONWriter) {
        json.beginObject()
        switch self.thinking {
        case .absent: break
        case .disabled: json.member("type", "disabled")
        case .adaptive: json.member("type", "adaptive")
        case .enabled(let budget):
            json.member("type", "enabled")
            json.member("budget_tokens", budget)
        }
        if self.isOn { json.member("display", self.display) }
        json.endObject()
    }

    private mutating func repeatWords(_ options: ReasoningOptions, hasLimit: Bool) {
        self.effort = options.effort
        self.display = options.display
        switch options.mode {
        case .unspecified: break
        case .disabled: self.thinking = .disabled
        case .adaptive: self.thinking = .adaptive
        case .enabled:
            self.thinking = .enabled(budget: options.budgetTokens)
            if !hasLimit { self.maxTokens = Self.sum(self.maxTokens, options.budgetTokens ?? 0) }
        }
    }

    private mutating func adapt(
        _ options: ReasoningOptions,
        _ version: AnthropicModelVersion,
        _ request: ChatRequest,
        _ losses: inout [Loss]
    ) {
        self.thinking = .adaptive
        switch options.effort {
        case "minimal": self.effort = "low"
        case "xhigh" where !version.takesExtraHighEffort: self.effort = "max"
        case let effort: self.effort = effort
        }
        if options.budgetTokens != nil {
            let name = AnthropicLossName.name(.thinkingBudget, in: request.source)
            losses.add(name, "The model decides itself how much it reasons.")
        }
        if request.maxOutputTokens == nil {
            self.maxTokens = Self.sum(self.maxTokens, Self.budget(forEffort: options.effort ?? "medium"))
        }
    }

    private mutating func spend(_ options: ReasoningOptions, _ request: ChatRequest, _ losses: inout [Loss]) {
        var budget = max(options.budgetTokens ?? Self.budget(forEffort: options.effort ?? "medium"), Self.minimumBudget)
        if let limit = request.maxOutputTokens {
            budget = min(budget, limit / 5 * 4)
            guard budget >= Self.minimumBudget else {
                losses.add(
                    AnthropicLossName.name(.reasoningEffort, in: request.source),
                    "The limit on output tokens leaves no room for reasoning."
                )
                return
            }
        } else {
            self.maxTokens = Self.sum(self.maxTokens, budget)
        }
        self.thinking = .enabled(budget: budget)
    }

    /// What stands against reasoning, if anything does.
    private static func obstacle(_ request: ChatRequest, _ version: AnthropicModelVersion?) -> String? {
        if let version, !version.canThink { return "The model does not reason." }
        switch request.toolChoice {
        case .required, .tool, .allowed(_, isRequired: true):
            return "The provider does not reason when a tool is forced."
        case .auto, .some(.none), .allowed, nil: break
        }
        guard Self.lacksReasoning(request.messages) else { return nil }
        return "The last tool calls came without the reasoning behind them, which the provider demands."
    }

    /// Whether the conversation ends in tool results whose calls stand without their reasoning.
    static func lacksReasoning(_ messages: [ChatMessage]) -> Bool {
        guard messages.last?.role == .tool, let turn = messages.last(where: { $0.role == .assistant }) else {
            return false
        }
        switch turn.content.first {
        case .redactedReasoning: return false
        case .reasoning(let part): return part.signature == nil
        default: return true
        }
    }

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
