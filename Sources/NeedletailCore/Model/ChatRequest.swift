/// A chat request in no dialect: what the dialects have in common, and where they differ the richer form.
///
/// A dialect's decoder fills it, another's encoder writes it and reports what it cannot say. ``source`` tells the encoder
/// in which words to name what is lost (``FieldNames``).
public struct ChatRequest: Sendable, Hashable {
    /// The dialect that it was read from; `nil` if it was made in Swift.
    public var source: DialectID?
    /// The model's name.
    public var model: String
    /// The conversation, system and developer prompts included, in order.
    public var messages: [ChatMessage]
    /// The tools that the model may call.
    public var tools: [Tool]
    /// Whether and which tool is to be called; `nil` leaves it to the provider.
    public var toolChoice: ToolChoice?
    /// Whether several tools may be called at once; `nil` leaves it to the provider.
    public var parallelToolCalls: Bool?
    /// The most output tokens, reasoning included.
    public var maxOutputTokens: Int?
    /// Sampling temperature, as spelled.
    public var temperature: JSONText?
    /// Nucleus sampling, as spelled.
    public var topP: JSONText?
    /// Top-k sampling, as spelled.
    public var topK: JSONText?
    /// Penalty on frequent tokens, as spelled.
    public var frequencyPenalty: JSONText?
    /// Penalty on present tokens, as spelled.
    public var presencePenalty: JSONText?
    /// A seed, as spelled (it may be beyond `Int64`).
    public var seed: JSONText?
    /// Strings that end the reply.
    public var stopSequences: [String]
    /// How many replies are wanted; `nil` means one.
    public var choiceCount: Int?
    /// Whether log probabilities are wanted.
    public var logprobs: Bool?
    /// How many alternatives per token.
    public var topLogprobs: Int?
    /// Token biases, a JSON object.
    public var logitBias: JSONText?
    /// The form of the reply's text.
    public var responseFormat: ResponseFormat?
    /// How much the reply is to say: OpenAI's `low`, `medium`, `high`.
    public var verbosity: String?
    /// How the model is to reason.
    public var reasoning: ReasoningOptions?
    /// Whether the reply is to bring the reasoning along in a form that only its provider reads, so that a client which
    /// keeps the conversation itself can send it back (OpenAI's `include: reasoning.encrypted_content`).
    public var wantsReasoningState: Bool
    /// Whether the reply is to be streamed.
    public var isStreaming: Bool
    /// Whether the client asked for the usage chunk of an OpenAI stream.
    public var includesStreamUsage: Bool
    /// A name for the end user (OpenAI `user`, Anthropic `metadata.user_id`).
    public var endUser: String?
    /// The processing tier.
    public var serviceTier: String?
    /// The output modalities, for example `text` and `audio`; empty for the default.
    public var modalities: [String]
    /// Whether the client speaks OpenAI's legacy `functions` and `function_call`.
    public var usesLegacyFunctions: Bool
    /// Fields that the model has no place for. An encoder of ``source`` writes the top-level ones back, any other
    /// reports them.
    public var extensions: [Extension]
    /// What must not be left out, because the request would mean something else without it. Only an upstream of ``source``
    /// can be told; any other refuses.
    public var essentials: [Loss]
    /// Members of the request that a reply in the words of ``source`` repeats, as OpenAI's responses do.
    public var echo: [Extension]

    /// Creates a request.
    public init(model: String, messages: [ChatMessage] = []) {
        self.model = model
        self.messages = messages
        self.tools = []
        self.stopSequences = []
        self.wantsReasoningState = false
        self.isStreaming = false
        self.includesStreamUsage = false
        self.modalities = []
        self.usesLegacyFunctions = false
        self.extensions = []
        self.essentials = []
        self.echo = []
    }
}

/// A tool that the model may call.
public struct Tool: Sendable, Hashable {
    /// What kind of tool it is.
    public enum Kind: Sendable, Hashable {
        /// A function whose arguments follow a JSON schema; `nil` where none was given.
        case function(parameters: JSONText?)
        /// A tool that takes free text; the grammar as JSON where one was given.
        case custom(format: JSONText?)
        /// A tool that the provider runs itself or defines: the whole tool as JSON, and its dialect.
        case provider(type: String, definition: JSONText, dialect: DialectID)
    }

    /// The tool's name.
    public var name: String
    /// What it does, for the model.
    public var description: String?
    /// What kind of tool it is.
    public var kind: Kind
    /// Whether the arguments must follow the schema exactly.
    public var isStrict: Bool?
    /// A prompt-cache marker.
    public var cacheMarker: CacheMarker?

    /// Creates a tool.
    public init(name: String, description: String? = nil, kind: Kind, isStrict: Bool? = nil) {
        self.name = name
        self.description = description
        self.kind = kind
        self.isStrict = isStrict
    }
}

/// Whether and which tool is to be called.
public enum ToolChoice: Sendable, Hashable {
    /// The model decides.
    case auto
    /// No tool.
    case none
    /// At least one tool, whichever.
    case required
    /// This tool.
    case tool(String)
    /// One of these; `isRequired` says whether it must be called.
    case allowed([String], isRequired: Bool)

    /// Whether the choice says something even where there are no tools to choose from.
    public var demandsTool: Bool {
        switch self {
        case .auto, .none: false
        case .required, .tool: true
        case .allowed(_, let isRequired): isRequired
        }
    }
}

/// The form of a reply's text.
public enum ResponseFormat: Sendable, Hashable {
    /// Plain text.
    case text
    /// Any JSON object.
    case jsonObject
    /// JSON that follows a schema.
    case jsonSchema(name: String?, description: String?, schema: JSONText, isStrict: Bool?)
}

/// How the model is to reason.
public struct ReasoningOptions: Sendable, Hashable {
    /// Whether it reasons at all.
    public enum Mode: Sendable, Hashable {
        /// As the effort says.
        case unspecified
        /// Not at all.
        case disabled
        /// Yes.
        case enabled
        /// The model decides how much (Anthropic `adaptive`).
        case adaptive
    }

    /// Whether it reasons at all.
    public var mode: Mode
    /// How hard: `minimal`, `low`, `medium`, `high` or what a provider adds.
    public var effort: String?
    /// How many tokens it may spend on reasoning.
    public var budgetTokens: Int?
    /// Whether and how the reasoning is shown (Anthropic `thinking.display`).
    public var display: String?

    /// Creates options.
    public init(mode: Mode = .unspecified, effort: String? = nil, budgetTokens: Int? = nil, display: String? = nil) {
        self.mode = mode
        self.effort = effort
        self.budgetTokens = budgetTokens
        self.display = display
    }
}

/// Marks the end of a part of the prompt that the provider may cache (Anthropic `cache_control`).
public struct CacheMarker: Sendable, Hashable {
    /// How long: `5m` or `1h`; `nil` for the provider's default.
    public var lifetime: String?

    /// Creates a marker.
    public init(lifetime: String? = nil) {
        self.lifetime = lifetime
    }
}
