import NeedletailCore

extension ProviderSpec {
    /// Hugging Face's Text Generation Inference: <https://huggingface.co/docs/text-generation-inference/messages_api>.
    public static let tgi = ProviderSpec(
        type: "tgi",
        dialects: [.openAIChat],
        baseURL: "http://127.0.0.1:3000/v1",
        auth: .bearer,
        environmentPrefix: "TGI",
        billing: .nothing
    )
}
