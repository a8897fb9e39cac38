import NeedletailCore

extension ProviderSpec {
    /// OpenAI: <https://platform.openai.com/docs/api-reference/chat>.
    public static let openAI = ProviderSpec(
        type: "openai",
        dialects: [.openAIChat, .openAIResponses, .openAICompletions],
        baseURL: "https://api.openai.com/v1",
        auth: .bearer,
        // Reasoning models refuse `max_tokens`; every chat model takes the newer name.
        quirks: [.wantsMaxCompletionTokens, .takesCustomTools],
        environmentPrefix: "OPENAI",
        requiresKey: true,
        modelPrefixes: ["gpt-", "o1", "o3", "o4", "chatgpt-", "ft:gpt-"],
        // A small account's; larger ones write their own.
        limits: DefaultLimits(requestsPerMinute: 500, tokensPerMinute: 150_000)
    )
}
