import NeedletailCore

extension ProviderSpec {
    /// Moonshot AI: <https://platform.moonshot.ai/docs/api/chat>.
    public static let moonshot = ProviderSpec(
        type: "moonshot",
        dialects: [.openAIChat],
        baseURL: "https://api.moonshot.ai/v1",
        auth: .bearer,
        environmentPrefix: "MOONSHOT",
        requiresKey: true,
        modelPrefixes: ["kimi-", "moonshot-"]
    )
}
