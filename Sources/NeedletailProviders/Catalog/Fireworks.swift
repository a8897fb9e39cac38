import NeedletailCore

extension ProviderSpec {
    /// Fireworks AI: <https://docs.fireworks.ai/api-reference/post-chatcompletions>.
    public static let fireworks = ProviderSpec(
        type: "fireworks",
        dialects: [.openAIChat],
        baseURL: "https://api.fireworks.ai/inference/v1",
        auth: .bearer,
        environmentPrefix: "FIREWORKS",
        requiresKey: true,
        modelPrefixes: ["accounts/fireworks/"]
    )
}
