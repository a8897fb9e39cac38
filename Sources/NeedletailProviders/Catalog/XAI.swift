import NeedletailCore

extension ProviderSpec {
    /// xAI: <https://docs.x.ai/docs/api-reference#chat-completions>.
    ///
    /// A bad key is a 400; output tokens do not count reasoning, the total does.
    public static let xAI = ProviderSpec(
        type: "xai",
        dialects: [.openAIChat, .openAIResponses],
        baseURL: "https://api.x.ai/v1",
        auth: .bearer,
        environmentPrefix: "XAI",
        requiresKey: true,
        modelPrefixes: ["grok-"]
    )
}
