import NeedletailCore

extension ProviderSpec {
    /// Together AI: <https://docs.together.ai/reference/chat-completions-1>.
    public static let together = ProviderSpec(
        type: "together",
        dialects: [.openAIChat, .openAICompletions],
        baseURL: "https://api.together.xyz/v1",
        auth: .bearer,
        environmentPrefix: "TOGETHER",
        requiresKey: true
    )
}
