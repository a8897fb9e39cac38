import NeedletailCore

/// Where a dialect's requests have what routing needs.
struct RequestShape: Sendable {
    /// The key of what the model is to answer.
    var contentKey: StaticString = "messages"
    /// Whether that may be text instead of a list.
    var takesText = false
    /// Whether a request without it means something.
    var isContentOptional = false
    /// Whether a chat must say how many tokens the reply may have.
    var requiresMaxTokens = false
    /// The fewest tokens that a reply may be limited to: none where a prompt is to be scored and nothing added.
    var leastMaxTokens = 1
    /// Whether a request that does not say is streamed.
    var streamsByDefault = false
    /// Whether the content is not looked at here: its dialect or its provider judges it.
    var isFree = false
    /// The key of a whole request inside a request to count.
    var countedRequestKey: StaticString?
    /// Whether the content may be several prompts, each of which is answered.
    var takesPrompts = false
    /// The keys of objects that hold options which other dialects have at the top.
    var settingsKeys: [StaticString] = []
    /// Those of them that hold the limit on output tokens; none where it stands at the top.
    var limitObjects: [StaticString] = []
    /// The keys of the limit on output tokens. Others are no limit: an upstream of the dialect passes over them.
    var limitKeys: [StaticString] = ["max_tokens", "max_completion_tokens"]
}

extension DialectID {
    /// Whether its own paths name the model, and its bodies do not.
    var hasModelInPath: Bool { self == .gemini || self == .bedrockConverse }

    /// Where requests of an operation have what routing needs.
    func requestShape(_ operation: NeedletailCore.Operation) -> RequestShape {
        operation.isChat ? self.chatShape : RequestShape(contentKey: "input", isContentOptional: true, isFree: true)
    }

    private var chatShape: RequestShape {
        switch self {
        case .openAIChat: RequestShape()
        case .anthropicMessages: RequestShape(requiresMaxTokens: true, limitKeys: ["max_tokens"])
        case .openAIResponses:
            RequestShape(
                contentKey: "input", takesText: true, isContentOptional: true, settingsKeys: ["text"],
                limitKeys: ["max_output_tokens"])
        case .gemini:
            RequestShape(
                contentKey: "contents", countedRequestKey: "generateContentRequest",
                settingsKeys: ["generationConfig", "generation_config"],
                limitObjects: ["generationConfig", "generation_config"],
                limitKeys: ["maxOutputTokens", "max_output_tokens"])
        case .bedrockConverse:
            RequestShape(
                countedRequestKey: "input",
                settingsKeys: ["inferenceConfig", "toolConfig", "additionalModelRequestFields", "outputConfig"],
                limitObjects: ["inferenceConfig"], limitKeys: ["maxTokens"])
        case .ollamaChat:
            RequestShape(
                isContentOptional: true, streamsByDefault: true, settingsKeys: ["options", "format", "think"],
                limitObjects: ["options"], limitKeys: ["num_predict"])
        case .ollamaGenerate:
            RequestShape(
                contentKey: "prompt", takesText: true, isContentOptional: true, streamsByDefault: true,
                settingsKeys: ["options", "format", "think", "images"], limitObjects: ["options"],
                limitKeys: ["num_predict"])
        case .cohereChat: RequestShape(limitKeys: ["max_tokens"])
        case .openAICompletions:
            RequestShape(
                contentKey: "prompt", takesText: true, leastMaxTokens: 0, takesPrompts: true, limitKeys: ["max_tokens"])
        }
    }
}
