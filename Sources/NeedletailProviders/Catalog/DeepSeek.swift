import NeedletailCore

extension ProviderSpec {
    /// DeepSeek: <https://api-docs.deepseek.com/api/create-chat-completion>.
    public static let deepSeek = ProviderSpec(
        type: "deepseek",
        dialects: [.openAIChat],
        baseURL: "https://api.deepseek.com/v1",
        auth: .bearer,
        environmentPrefix: "DEEPSEEK",
        requiresKey: true,
        modelPrefixes: ["deepseek-"]
    )
}
