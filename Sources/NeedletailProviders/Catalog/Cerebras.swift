import NeedletailCore

extension ProviderSpec {
    /// Cerebras: <https://inference-docs.cerebras.ai/api-reference/chat-completions>. Its streams end without `[DONE]`.
    public static let cerebras = ProviderSpec(
        type: "cerebras",
        dialects: [.openAIChat],
        baseURL: "https://api.cerebras.ai/v1",
        auth: .bearer,
        environmentPrefix: "CEREBRAS",
        requiresKey: true
    )
}
