import NeedletailCore

/// What the models of one provider can do: what the operator says, and else what the catalogue knows.
public struct ModelCapabilities: Sendable {
    /// What the operator says of a model, or of all whose names begin in one way (`gpt-*`). The first that fits counts.
    public struct Statement: Sendable, Hashable {
        /// The name; with `*` at its end, how names begin.
        public var pattern: String
        /// What holds.
        public var facts: ModelFacts

        /// Creates a statement.
        public init(_ pattern: String, _ facts: ModelFacts) {
            self.pattern = pattern
            self.facts = facts
        }

        func fits(_ model: String) -> Bool {
            self.pattern.last == "*" ? model.hasPrefix(self.pattern.dropLast()) : model == self.pattern
        }
    }

    /// How many tokens a request surely has for each that is estimated (``InferenceRequest/estimatedInputTokens`` counts a
    /// token for three bytes, and is rather too high): half, so six bytes a token, which no text in use reaches.
    static let certainShare = 2
    /// No model in use has a smaller window; a request below it is not looked at.
    static let smallestWindow = 4096
    private static let judged: Features = [.images, .tools, .structuredOutput]

    private let type: String
    private let statements: [Statement]

    /// Creates the capabilities of a provider of a type.
    public init(type: String, statements: [Statement] = []) {
        self.type = type
        self.statements = statements
    }

    /// What is known of a model.
    public func facts(of model: String) -> ModelFacts {
        let known = ModelCatalogue.facts(type: self.type, model: model) ?? ModelFacts()
        return self.statements.first { $0.fits(model) }.map { $0.facts.or(known) } ?? known
    }

    /// Throws what ``refusal(of:)`` finds.
    func check(_ request: InferenceRequest) throws(NeedletailError) {
        if let refusal = self.refusal(of: request) { throw refusal }
    }

    /// Why a request need not be sent, because its model cannot answer it; `nil` if it may.
    func refusal(of request: InferenceRequest) -> NeedletailError? {
        self.refusal(of: request, model: request.model)
    }

    /// Why a request need not be sent when it is asked of `model`; `nil` if it may.
    func refusal(of request: InferenceRequest, model: String) -> NeedletailError? {
        guard request.operation == .chat else { return nil }
        let certainInput = request.estimatedInputTokens / Self.certainShare
        guard
            !request.features.isDisjoint(with: Self.judged) || request.maxOutputTokens != nil
                || certainInput > Self.smallestWindow || !self.statements.isEmpty
        else { return nil }
        let facts = self.facts(of: model)
        if facts.vision == false, request.features.contains(.images) {
            return Self.unsupported("does not take images")
        }
        if facts.tools == false, request.features.contains(.tools) {
            return Self.unsupported("does not call tools", "tools")
        }
        if facts.structuredOutput == false, request.features.contains(.structuredOutput) {
            return Self.unsupported("does not follow a schema")
        }
        if let limit = facts.maxOutputTokens, let asked = request.maxOutputTokens, asked > limit {
            return Self.unsupported("writes at most \(limit) tokens, and the request allows \(asked)", "max_tokens")
        }
        if let window = facts.contextWindow, certainInput > window {
            var refusal = Self.unsupported("takes at most \(window) tokens, and the request has more")
            refusal.reason = .contextWindow
            return refusal
        }
        return nil
    }

    private static func unsupported(_ what: String, _ parameter: String? = nil) -> NeedletailError {
        NeedletailError(.unsupported, "The model \(what).", parameter: parameter)
    }
}
