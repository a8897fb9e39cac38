import NeedletailCore

extension ProviderSpec {
    /// GitHub Models: <https://docs.github.com/en/rest/models/inference>.
    ///
    /// No variable of its own is read for the key: `GITHUB_TOKEN` is there in many a place that has nothing to do with it.
    public static let gitHubModels = ProviderSpec(
        type: "github",
        dialects: [.openAIChat],
        baseURL: "https://models.github.ai",
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(prefix: "/inference", version: nil, [.chat: "/chat/completions"])],
        environmentPrefix: "GITHUB_MODELS",
        requiresKey: true
    )
}
