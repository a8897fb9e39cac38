import NeedletailCore

extension ProviderSpec {
    /// Ollama: <https://docs.ollama.com/api>. No key on one's own machine; `https://ollama.com` asks for one. It fetches no
    /// images.
    public static let ollama = ProviderSpec(
        type: "ollama",
        dialects: [.ollamaChat, .ollamaGenerate, .openAIChat, .openAICompletions],
        baseURL: "http://127.0.0.1:11434",
        auth: .bearer,
        quirks: [.takesOnlyInlineMedia],
        environmentPrefix: "OLLAMA",
        hostVariable: "OLLAMA_HOST",
        billing: .nothing
    )
}
