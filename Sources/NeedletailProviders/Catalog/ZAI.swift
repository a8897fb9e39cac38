import NeedletailCore

extension ProviderSpec {
    /// Z.ai: <https://docs.z.ai/api-reference/llm/chat-completion>. Its version is the fourth.
    public static let zAI = ProviderSpec(
        type: "zai",
        dialects: [.openAIChat],
        baseURL: "https://api.z.ai/api/paas/v4",
        auth: .bearer,
        environmentPrefix: "ZAI",
        requiresKey: true,
        modelPrefixes: ["glm-"]
    )
}
