import NeedletailCore

extension ProviderSpec {
    /// Groq: <https://console.groq.com/docs/api-reference#chat>.
    ///
    /// A failed tool call is a 400, or the last event of a stream that began with a 200.
    public static let groq = ProviderSpec(
        type: "groq",
        dialects: [.openAIChat],
        baseURL: "https://api.groq.com/openai/v1",
        auth: .bearer,
        environmentPrefix: "GROQ",
        requiresKey: true
    )
}
