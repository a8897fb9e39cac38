import NeedletailCore

extension ProviderSpec {
    /// Any server of OpenAI's chat completions; the operator says where it is.
    public static let openAICompatible = ProviderSpec(
        type: "openai-compatible",
        dialects: [.openAIChat],
        baseURL: nil,
        auth: .bearer,
        billing: .like("openai")
    )
}
