import NeedletailCore

extension ProviderSpec {
    /// Hugging Face's router: <https://huggingface.co/docs/inference-providers/tasks/chat-completion>.
    ///
    /// What it answers is in the words of the backend that it chose: Groq's, Cerebras's, Together's and others'.
    public static let huggingFace = ProviderSpec(
        type: "huggingface",
        dialects: [.openAIChat],
        baseURL: "https://router.huggingface.co/v1",
        auth: .bearer,
        environmentPrefix: "HUGGINGFACE",
        otherKeyVariables: ["HF_TOKEN"],
        requiresKey: true
    )
}
