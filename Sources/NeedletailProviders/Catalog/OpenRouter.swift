import NeedletailCore

extension ProviderSpec {
    /// OpenRouter: <https://openrouter.ai/docs/api-reference/chat-completion>.
    ///
    /// Comments keep a slow stream alive; what an upstream of its own said stands as text in `metadata.raw`.
    public static let openRouter = ProviderSpec(
        type: "openrouter",
        dialects: [.openAIChat, .openAIResponses],
        baseURL: "https://openrouter.ai/api/v1",
        auth: .bearer,
        quirks: [.takesReasoningDetails],
        environmentPrefix: "OPENROUTER",
        requiresKey: true,
        modelPrefixes: ["openrouter/"]
    )
}
