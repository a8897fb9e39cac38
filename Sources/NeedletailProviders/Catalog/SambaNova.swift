import NeedletailCore

extension ProviderSpec {
    /// SambaNova: <https://docs.sambanova.ai/cloud/api-reference/endpoints/chat>.
    public static let sambaNova = ProviderSpec(
        type: "sambanova",
        dialects: [.openAIChat],
        baseURL: "https://api.sambanova.ai/v1",
        auth: .bearer,
        environmentPrefix: "SAMBANOVA",
        requiresKey: true
    )
}
