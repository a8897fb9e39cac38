import NeedletailCore

extension ProviderSpec {
    /// llama.cpp's server: <https://github.com/ggml-org/llama.cpp/tree/master/tools/server>. No key unless it was started with one.
    public static let llamaCPP = ProviderSpec(
        type: "llamacpp",
        dialects: [.openAIChat],
        baseURL: "http://127.0.0.1:8080/v1",
        auth: .bearer,
        environmentPrefix: "LLAMACPP",
        billing: .nothing
    )
}
