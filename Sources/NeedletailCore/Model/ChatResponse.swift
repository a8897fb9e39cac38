/// A whole chat reply in no dialect.
public struct ChatResponse: Sendable, Hashable {
    /// The dialect that it was read from; `nil` if it was made in Swift.
    public var source: DialectID?
    /// The provider's id of the reply; empty if it gave none.
    public var id: String
    /// The model that answered; empty if the provider did not say.
    public var model: String
    /// When, in seconds since 1970, where the provider says.
    public var created: Int64?
    /// The replies; one unless several were asked for.
    public var choices: [ChatChoice]
    /// The tokens spent.
    public var usage: Usage?
    /// The tier that processed it.
    public var serviceTier: String?
    /// OpenAI's fingerprint of the back-end.
    public var systemFingerprint: String?
    /// Whether a call is OpenAI's legacy `function_call`: because the provider wrote it so, or because the client's
    /// request used `functions`.
    public var usesLegacyFunctions = false
    /// Fields that the model has no place for.
    public var extensions: [Extension]
    /// Members that repeat the request, in the words of the client's dialect: no part of the answer.
    public var echo: [Extension] = []

    /// Creates a reply.
    public init(id: String, model: String, choices: [ChatChoice] = [], usage: Usage? = nil) {
        self.id = id
        self.model = model
        self.choices = choices
        self.usage = usage
        self.extensions = []
    }

    /// The text of the first choice.
    public var text: String {
        var text = ""
        for case .text(let part) in self.choices.first?.content ?? [] { text += part.text }
        return text
    }

    /// The tool calls of the first choice.
    public var toolCalls: [ToolCall] {
        (self.choices.first?.content ?? []).compactMap { part in
            if case .toolCall(let call) = part { call } else { nil }
        }
    }
}

/// One of the replies.
public struct ChatChoice: Sendable, Hashable {
    /// Which one, from 0.
    public var index: Int
    /// What is said, in order.
    public var content: [ContentPart]
    /// Why it ended; `nil` if the provider did not say.
    public var stopReason: StopReason?
    /// The stop sequence that ended it.
    public var stopSequence: String?
    /// Log probabilities, in OpenAI's form.
    public var logprobs: JSONText?

    /// Creates a choice.
    public init(index: Int = 0, content: [ContentPart] = [], stopReason: StopReason? = nil) {
        self.index = index
        self.content = content
        self.stopReason = stopReason
    }
}

/// Why a reply ended.
public enum StopReason: Sendable, Hashable {
    /// The model was done.
    case endTurn
    /// A stop sequence came up.
    case stopSequence
    /// The limit on output tokens was reached.
    case maxTokens
    /// The model's context window was full.
    case contextWindow
    /// The client is to answer tool calls.
    case toolCalls
    /// A filter of the provider cut it off.
    case contentFilter
    /// The model declined.
    case refusal
    /// The provider paused a long turn; the client sends it back to go on.
    case pauseTurn
    /// A reason this library does not know, in the provider's words.
    case other(String)
}
