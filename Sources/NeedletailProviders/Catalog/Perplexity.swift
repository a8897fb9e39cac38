import NeedletailCore

extension ProviderSpec {
    /// Perplexity: <https://docs.perplexity.ai/api-reference/chat-completions-post>. It has no list of models.
    public static let perplexity = ProviderSpec(
        type: "perplexity",
        dialects: [.openAIChat],
        baseURL: "https://api.perplexity.ai",
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(version: nil, [.chat: "/chat/completions"])],
        environmentPrefix: "PERPLEXITY",
        requiresKey: true,
        modelPrefixes: ["sonar"]
    )
}
