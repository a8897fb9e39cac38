import NeedletailCore

extension ProviderSpec {
    /// Cohere: <https://docs.cohere.com/reference/chat>.
    public static let cohere = ProviderSpec(
        type: "cohere",
        dialects: [.cohereChat],
        baseURL: "https://api.cohere.com",
        auth: .bearer,
        environmentPrefix: "COHERE",
        otherKeyVariables: ["CO_API_KEY"],
        requiresKey: true,
        modelPrefixes: ["command-", "c4ai-"]
    )
}
