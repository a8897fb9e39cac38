public import NeedletailCore

/// What a call can use at most, known before it is made. Pure.
public struct CallBound: Sendable, Hashable {
    /// Tokens of the hidden prompts that providers put before a request with tools; Anthropic documents up to 804.
    static let hiddenTokens = 1_024
    /// Output tokens where neither the request nor the model has a limit.
    public static let unlimitedOutput = 32_768

    /// Input tokens.
    public var inputTokens: Int
    /// Output tokens, of all answers together.
    public var outputTokens: Int
    /// What the request holds.
    public var features: Features
    /// Searches that the provider may run.
    public var searches: Int

    /// Creates a bound.
    public init(inputTokens: Int, outputTokens: Int, features: Features = [], searches: Int = 0) {
        self.inputTokens = inputTokens
        self.outputTokens = outputTokens
        self.features = features
        self.searches = searches
    }

    /// The bound of a request: one token for each byte of text, which no tokenizer exceeds (the estimate counts one for
    /// three bytes), and the request's own limit of output, else the model's.
    ///
    /// - Parameters:
    ///   - modelLimit: The most output tokens of the model; `nil` for unknown.
    ///   - imageTokens: The most input tokens of a picture, where that is more than the estimate allows for.
    public init(_ request: InferenceRequest, modelLimit: Int?, imageTokens: Int? = nil) {
        let choices = max(1, request.choices)
        let output: Int
        switch request.operation {
        case .embeddings, .singleEmbedding, .rerank, .moderations: output = 0
        default:
            output = Self.product(request.maxOutputTokens ?? modelLimit ?? Self.unlimitedOutput, choices)
        }
        self.init(
            inputTokens: Self.product(max(0, request.estimatedInputTokens), 3)
                + (request.features.contains(.tools) ? Self.hiddenTokens : 0)
                + Self.product(max(0, request.images), imageTokens ?? 0),
            outputTokens: output, features: request.features, searches: request.searches)
    }

    private static func product(_ left: Int, _ right: Int) -> Int {
        let (product, overflow) = left.multipliedReportingOverflow(by: right)
        return overflow ? Price.maximumUnits : min(product, Price.maximumUnits)
    }

    /// All tokens.
    public var tokens: Int { self.inputTokens + self.outputTokens }

    /// The bound with as much output as what is left of a budget buys; `nil` if that is none, or no less.
    ///
    /// - Parameters:
    ///   - price: Needed where the budget counts money.
    ///   - choices: How many answers share the output.
    func clamped(to refusal: BudgetRefusal, _ price: Price?, choices: Int) -> Self? {
        func isCovered(_ output: Int) -> Bool {
            var bound = self
            bound.outputTokens = output
            switch refusal.unit {
            case .tokens: return Int128(bound.tokens) <= refusal.room
            case .money: return price.flatMap { bound.worstCase($0) }.map { $0.picodollars <= refusal.room } ?? false
            }
        }
        let choices = max(1, choices)
        // The cost grows with the output, so that the most that is covered can be searched for.
        var (least, most) = (0, self.outputTokens / choices)
        while least < most {
            let middle = least + (most - least + 1) / 2
            if isCovered(middle * choices) { least = middle } else { most = middle - 1 }
        }
        guard least > 0, least * choices < self.outputTokens else { return nil }
        var bound = self
        bound.outputTokens = least * choices
        return bound
    }

    /// The most that a call within the bound costs; `nil` for an unknown price.
    public func worstCase(_ price: Price) -> Money? {
        price.worstCase(
            inputTokens: self.inputTokens, outputTokens: self.outputTokens, features: self.features,
            searches: self.searches)
    }

    /// What a call cost that was sent.
    ///
    /// A call that ended well costs what its usage says. Of one that broke or was left, the provider may bill more than it
    /// told of: what it told is exact, and the rest counts as the bound.
    ///
    /// - Returns: `nil` for an unknown price.
    public func cost(_ price: Price, _ outcome: Outcome, at wallSeconds: Int64) -> Cost? {
        guard var usage = outcome.usage else {
            return self.worstCase(price).map { Cost($0, .estimated) }
        }
        if case .finished = outcome.end { return price.cost(of: usage, at: wallSeconds) }
        usage.outputTokens = max(usage.outputTokens, self.outputTokens)
        // Told last, where at all.
        if self.searches > 0, price.knowsSearches {
            usage.webSearches = max(usage.webSearches ?? 0, self.searches)
        }
        return price.cost(of: usage, at: wallSeconds).map { Cost($0.amount, max($0.accuracy, .providerPartial)) }
    }

    /// Whether a provider may bill a call that failed before it answered.
    ///
    /// What it refused with a status costs nothing, and neither does what never reached it.
    public static func mayBeBilled(_ error: NeedletailError, wasSent: Bool) -> Bool {
        guard wasSent else { return false }
        return error.mayHaveBeenProcessed || error.code == .cancelled || error.code == .malformedReply
    }
}
