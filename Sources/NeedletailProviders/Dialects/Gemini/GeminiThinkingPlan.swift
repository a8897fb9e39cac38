import NeedletailCore

/// How a request's wish to reason is put in Google's words.
///
/// A request that came from a client of this dialect is repeated word for word. For all others an effort becomes a level
/// or a budget, whichever the model takes, with the figures of Google's own OpenAI layer
/// (<https://ai.google.dev/gemini-api/docs/openai#thinking>), and the thoughts are asked for unless the client does not
/// want to see them.
struct GeminiThinkingPlan {
    var budget: Int?
    var level: String?
    var includesThoughts: Bool?

    /// Whether nothing is to be said.
    var isEmpty: Bool { self.budget == nil && self.level == nil && self.includesThoughts == nil }

    init(_ request: ChatRequest, losses: inout [Loss]) {
        guard let options = request.reasoning else { return }
        if request.source == .gemini {
            self.repeatWords(options)
            return
        }
        let version = GeminiModelVersion(request.model)
        let isOff = options.mode == .disabled || options.effort == "none"
        let isOn = options.mode != .unspecified || options.effort != nil || options.budgetTokens != nil
        guard isOff || isOn else { return }
        if isOff {
            self.turnOff(version, request, &losses)
            return
        }
        guard version != .early else {
            losses.add(ModelField.reasoning.name(in: request.source), "The model does not reason.")
            return
        }
        self.includesThoughts = options.display != "omitted"
        if let tokens = options.budgetTokens {
            self.spend(tokens, version, options.effort == nil ? nil : request, &losses)
        } else if let effort = options.effort {
            self.apply(effort, version, request, &losses)
        } else if options.mode == .adaptive {
            if case .levelled = version { return }
            self.budget = -1
        }
    }

    private mutating func repeatWords(_ options: ReasoningOptions) {
        switch options.mode {
        case .disabled: self.budget = 0
        case .adaptive: self.budget = -1
        case .enabled, .unspecified: self.budget = options.budgetTokens
        }
        self.level = options.effort
        self.includesThoughts = options.display.map { $0 == "summarized" }
    }

    private mutating func turnOff(_ version: GeminiModelVersion, _ request: ChatRequest, _ losses: inout [Loss]) {
        switch version {
        case .early: break
        case .unknown, .budgeted(_, canBeOff: true): self.budget = 0
        case .budgeted(let range, canBeOff: false):
            self.budget = range.lowerBound
            losses.add(ModelField.reasoning.name(in: request.source), "The model always reasons; as little as it can.")
        case .levelled(let isPro):
            self.level = isPro ? "low" : "minimal"
            losses.add(ModelField.reasoning.name(in: request.source), "The model always reasons; as little as it can.")
        }
    }

    private mutating func spend(
        _ tokens: Int, _ version: GeminiModelVersion, _ request: ChatRequest?, _ losses: inout [Loss]
    ) {
        if case .budgeted(let range, _) = version {
            self.budget = min(max(tokens, range.lowerBound), range.upperBound)
        } else {
            self.budget = tokens
        }
        // Google refuses both at once, and the budget says more.
        if let request {
            losses.add(ModelField.reasoningEffort.name(in: request.source), "The budget was sent in its place.")
        }
    }

    private mutating func apply(
        _ effort: String, _ version: GeminiModelVersion, _ request: ChatRequest, _ losses: inout [Loss]
    ) {
        switch version {
        case .levelled(let isPro):
            switch effort {
            case "minimal": self.level = isPro ? "low" : "minimal"
            case "low", "medium": self.level = effort
            default: self.level = "high"
            }
        case .budgeted(let range, _): self.budget = min(Self.budget(forEffort: effort), range.upperBound)
        case .early, .unknown: self.budget = Self.budget(forEffort: effort)
        }
        if effort == "xhigh" || effort == "max" {
            losses.add(ModelField.reasoningEffort.name(in: request.source), "Google's highest effort was sent.")
        }
    }

    private static func budget(forEffort effort: String) -> Int {
        switch effort {
        case "minimal", "low": 1024
        case "medium": 8192
        default: 24_576
        }
    }
}
