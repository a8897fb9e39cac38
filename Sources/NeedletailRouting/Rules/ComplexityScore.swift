/// How much a request seems to ask of a model: a sum of parts that can be shown and argued about.
///
/// A heuristic, not a judgement: it sees the request's form and not its sense.
public struct ComplexityScore: Sendable, Hashable {
    /// What is looked at.
    public struct Facts: Sendable, Hashable {
        /// Estimated input tokens.
        public var tokens = 0
        /// Messages of the conversation.
        public var turns = 0
        /// Tools that may be called.
        public var tools = 0
        /// Fenced blocks of code.
        public var codeBlocks = 0
        /// Whether the reply must follow a schema.
        public var hasSchema = false
        /// Whether reasoning is asked for.
        public var asksForReasoning = false

        /// Creates facts.
        public init(
            tokens: Int = 0, turns: Int = 0, tools: Int = 0, codeBlocks: Int = 0, hasSchema: Bool = false,
            asksForReasoning: Bool = false
        ) {
            self.tokens = tokens
            self.turns = turns
            self.tools = tools
            self.codeBlocks = codeBlocks
            self.hasSchema = hasSchema
            self.asksForReasoning = asksForReasoning
        }
    }

    /// How much each part counts, relative to the others.
    public struct Weights: Sendable, Hashable {
        /// Tokens; default 0.3.
        public var tokens = 0.3
        /// Messages; default 0.1.
        public var turns = 0.1
        /// Tools; default 0.15.
        public var tools = 0.15
        /// Code; default 0.15.
        public var code = 0.15
        /// A schema; default 0.1.
        public var schema = 0.1
        /// Reasoning; default 0.2.
        public var reasoning = 0.2

        /// The defaults.
        public init() {}

        /// All together.
        public var sum: Double {
            self.tokens + self.turns + self.tools + self.code + self.schema + self.reasoning
        }
    }

    /// One part: what it is, how much of it there is (0 to 1), and what it adds to the score.
    public struct Part: Sendable, Hashable {
        /// Its name, as in the configuration.
        public var name: String
        /// From 0 to 1.
        public var level: Double
        /// Its part of ``ComplexityScore/value``.
        public var points: Double
    }

    /// The score, 0 to 1.
    public let value: Double
    /// What it is made of.
    public let parts: [Part]

    /// Tokens at which the part begins to count, and at which it is full; between them it grows with the logarithm.
    static let tokenRange = (low: 200.0, high: 16_000.0)
    /// Messages, tools and blocks of code at which their parts are full.
    static let (fullTurns, fullTools, fullCode) = (20.0, 8.0, 4.0)

    /// Scores facts. Weights that sum to nothing give 0.
    public init(_ facts: Facts, weights: Weights = Weights()) {
        let levels = [
            ("tokens", weights.tokens, Self.tokenLevel(facts.tokens)),
            ("turns", weights.turns, min(1, max(0, Double(facts.turns - 1)) / Self.fullTurns)),
            ("tools", weights.tools, min(1, Double(facts.tools) / Self.fullTools)),
            ("code", weights.code, min(1, Double(facts.codeBlocks) / Self.fullCode)),
            ("schema", weights.schema, facts.hasSchema ? 1 : 0),
            ("reasoning", weights.reasoning, facts.asksForReasoning ? 1 : 0),
        ]
        let sum = weights.sum
        self.parts = levels.map { name, weight, level in
            Part(name: name, level: level, points: sum > 0 ? weight * level / sum : 0)
        }
        self.value = min(1, self.parts.reduce(0) { $0 + $1.points })
    }

    /// Each doubling counts alike.
    private static func tokenLevel(_ tokens: Int) -> Double {
        let value = Double(max(0, tokens))
        guard value > Self.tokenRange.low else { return 0 }
        return min(1, Self.log2(value / Self.tokenRange.low) / Self.log2(Self.tokenRange.high / Self.tokenRange.low))
    }

    /// The binary logarithm of a number of at least 1, by its exponent and three terms of the series for the rest:
    /// within 0.001, without a mathematics library.
    private static func log2(_ value: Double) -> Double {
        let ratio = (value.significand - 1) / (value.significand + 1)
        let square = ratio * ratio
        return Double(value.exponent) + 2 * ratio * (1 + square / 3 + square * square / 5) * 1.442_695_040_888_963_4
    }
}
