import NeedletailCore

extension ProviderSpec {
    /// NVIDIA NIM: <https://docs.api.nvidia.com/nim/reference/llm-apis>.
    public static let nvidia = ProviderSpec(
        type: "nvidia",
        dialects: [.openAIChat],
        baseURL: "https://integrate.api.nvidia.com/v1",
        auth: .bearer,
        environmentPrefix: "NVIDIA",
        requiresKey: true
    )
}
