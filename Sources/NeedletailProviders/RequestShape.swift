import NeedletailCore

/// Where a dialect's requests have what routing needs. One object for each dialect: it is looked at for every member.
final class RequestShape: Sendable {
    /// The key of what the model is to answer.
    let contentKey: StaticString
    /// Whether that may be text instead of a list.
    let takesText: Bool
    /// Whether a request without it means something.
    let isContentOptional: Bool
    /// Whether a chat must say how many tokens the reply may have.
    let requiresMaxTokens: Bool
    /// The fewest tokens that a reply may be limited to: none where a prompt is to be scored and nothing added.
    let leastMaxTokens: Int
    /// Whether a request that does not say is streamed.
    let streamsByDefault: Bool
    /// Whether the content is not looked at here: its dialect or its provider judges it.
    let isFree: Bool
    /// The key of a whole request inside a request to count.
    let countedRequestKey: StaticString?
    /// Whether the content may be several prompts, each of which is answered.
    let takesPrompts: Bool
    /// The keys of objects that hold options which other dialects have at the top.
    let settingsKeys: [StaticString]
    /// Those of them that hold the limit on output tokens; none where it stands at the top.
    let limitObjects: [StaticString]
    /// The keys of the limit on output tokens. Others are no limit: an upstream of the dialect passes over them.
    let limitKeys: [StaticString]

    init(
        contentKey: StaticString = "messages",
        takesText: Bool = false,
        isContentOptional: Bool = false,
        requiresMaxTokens: Bool = false,
        leastMaxTokens: Int = 1,
        streamsByDefault: Bool = false,
        isFree: Bool = false,
        countedRequestKey: StaticString? = nil,
        takesPrompts: Bool = false,
        settingsKeys: [StaticString] = [],
        limitObjects: [StaticString] = [],
        limitKeys: [StaticString] = ["max_tokens", "max_completion_tokens"]
    ) {
        self.contentKey = contentKey
        self.takesText = takesText
        self.isContentOptional = isContentOptional
        self.requiresMaxTokens = requiresMaxTokens
        self.leastMaxTokens = leastMaxTokens
        self.streamsByDefault = streamsByDefault
        self.isFree = isFree
        self.countedRequestKey = countedRequestKey
        self.takesPrompts = takesPrompts
        self.settingsKeys = settingsKeys
        self.limitObjects = limitObjects
        self.limitKeys = limitKeys
    }
}

extension DialectID {
    /// Whether its own paths name the model, and its bodies do not.
    var hasModelInPath: Bool { self == .gemini || self == .bedrockConverse }

    /// Where requests of an operation have what routing needs.
    func requestShape(_ operation: NeedletailCore.Operation) -> RequestShape {
        operation.isChat ? self.chatShape : .free
    }

    private var chatShape: RequestShape {
        switch self {
        case .openAIChat: .openAIChat
        case .anthropicMessages: .anthropicMessages
        case .openAIResponses: .openAIResponses
        case .gemini: .gemini
        case .bedrockConverse: .bedrockConverse
        case .ollamaChat: .ollamaChat
        case .ollamaGenerate: .ollamaGenerate
        case .cohereChat: .cohereChat
        case .openAICompletions: .openAICompletions
        }
    }
}

extension RequestShape {
    fileprivate static let openAIChat = RequestShape()
    fileprivate static let anthropicMessages = RequestShape(requiresMaxTokens: true, limitKeys: ["max_tokens"])
    fileprivate static let openAIResponses = RequestShape(
        contentKey: "input", takesText: true, isContentOptional: true, settingsKeys: ["text"],
        limitKeys: ["max_output_tokens"])
    fileprivate static let gemini = RequestShape(
        contentKey: "contents", countedRequestKey: "generateContentRequest",
        settingsKeys: ["generationConfig", "generation_config"],
        limitObjects: ["generationConfig", "generation_config"],
        limitKeys: ["maxOutputTokens", "max_output_tokens"])
    fileprivate static let bedrockConverse = RequestShape(
        countedRequestKey: "input",
        settingsKeys: ["inferenceConfig", "toolConfig", "additionalModelRequestFields", "outputConfig"],
        limitObjects: ["inferenceConfig"], limitKeys: ["maxTokens"])
    fileprivate static let ollamaChat = RequestShape(
        isContentOptional: true, streamsByDefault: true, settingsKeys: ["options", "format", "think"],
        limitObjects: ["options"], limitKeys: ["num_predict"])
    fileprivate static let ollamaGenerate = RequestShape(
        contentKey: "prompt", takesText: true, isContentOptional: true, streamsByDefault: true,
        settingsKeys: ["options", "format", "think", "images"], limitObjects: ["options"],
        limitKeys: ["num_predict"])
    fileprivate static let cohereChat = RequestShape(limitKeys: ["max_tokens"])
    fileprivate static let openAICompletions = RequestShape(
        contentKey: "prompt", takesText: true, leastMaxTokens: 0, takesPrompts: true, limitKeys: ["max_tokens"])
    fileprivate static let free = RequestShape(contentKey: "input", isContentOptional: true, isFree: true)
}
