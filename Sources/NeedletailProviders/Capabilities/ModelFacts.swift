/// What is known of a model: how much it takes and what it can do. What is not known refuses nothing.
public struct ModelFacts: Sendable, Hashable {
    /// The most tokens that a request may hold.
    public var contextWindow: Int?
    /// The most tokens that a reply may have.
    public var maxOutputTokens: Int?
    /// Whether it looks at images.
    public var vision: Bool?
    /// Whether it calls tools.
    public var tools: Bool?
    /// Whether its replies can be held to a schema.
    public var structuredOutput: Bool?
    /// Whether it reasons before it answers.
    public var reasoning: Bool?

    /// Creates facts.
    public init(
        contextWindow: Int? = nil,
        maxOutputTokens: Int? = nil,
        vision: Bool? = nil,
        tools: Bool? = nil,
        structuredOutput: Bool? = nil,
        reasoning: Bool? = nil
    ) {
        self.contextWindow = contextWindow
        self.maxOutputTokens = maxOutputTokens
        self.vision = vision
        self.tools = tools
        self.structuredOutput = structuredOutput
        self.reasoning = reasoning
    }

    /// These facts, and those of `other` where these say nothing.
    public func or(_ other: ModelFacts) -> ModelFacts {
        ModelFacts(
            contextWindow: self.contextWindow ?? other.contextWindow,
            maxOutputTokens: self.maxOutputTokens ?? other.maxOutputTokens,
            vision: self.vision ?? other.vision,
            tools: self.tools ?? other.tools,
            structuredOutput: self.structuredOutput ?? other.structuredOutput,
            reasoning: self.reasoning ?? other.reasoning
        )
    }
}
