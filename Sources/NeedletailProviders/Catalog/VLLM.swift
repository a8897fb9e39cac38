import NeedletailCore

extension ProviderSpec {
    /// vLLM: <https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html>. No key unless it was started with one.
    public static let vLLM = ProviderSpec(
        type: "vllm",
        dialects: [.openAIChat, .openAICompletions],
        baseURL: "http://127.0.0.1:8000/v1",
        auth: .bearer,
        environmentPrefix: "VLLM",
        billing: .nothing
    )
}
