import NeedletailCore

extension ProviderSpec {
    /// SGLang: <https://docs.sglang.ai/backend/openai_api_completions.html>. No key unless it was started with one.
    public static let sgLang = ProviderSpec(
        type: "sglang",
        dialects: [.openAIChat],
        baseURL: "http://127.0.0.1:30000/v1",
        auth: .bearer,
        environmentPrefix: "SGLANG",
        billing: .nothing
    )
}
