import NeedletailCore

extension ProviderSpec {
    /// AI21: <https://docs.ai21.com/reference/jamba-1-6-api-ref>.
    ///
    /// Usage comes unasked, with the reason to stop. It has no list of models.
    public static let ai21 = ProviderSpec(
        type: "ai21",
        dialects: [.openAIChat],
        baseURL: "https://api.ai21.com/studio/v1",
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(version: "v1", [.chat: "/chat/completions"])],
        quirks: [.refusesStreamOptions],
        environmentPrefix: "AI21",
        requiresKey: true,
        modelPrefixes: ["jamba-"]
    )
}
