import NeedletailCore

extension ProviderSpec {
    /// LM Studio: <https://lmstudio.ai/docs/app/api/endpoints/openai>. It wants no key.
    public static let lmStudio = ProviderSpec(
        type: "lmstudio",
        dialects: [.openAIChat, .openAIResponses],
        baseURL: "http://127.0.0.1:1234/v1",
        auth: .bearer,
        environmentPrefix: "LMSTUDIO",
        billing: .nothing
    )
}
