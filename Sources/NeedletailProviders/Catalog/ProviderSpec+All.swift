extension ProviderSpec {
    /// Every provider that ships. A test holds each to its fixtures.
    public static let all: [ProviderSpec] = [
        .openAI, .anthropic, .gemini, .azure, .vertex, .bedrock, .cohere, .ollama, .vLLM, .together,
        .mistral, .groq, .deepSeek, .xAI, .fireworks, .openRouter, .perplexity, .cerebras, .nvidia, .moonshot, .zAI,
        .databricks, .snowflake, .cloudflare, .sambaNova, .ai21, .huggingFace, .gitHubModels,
        .replicate, .runPod,
        .llamaCPP, .lmStudio, .sgLang, .tgi,
        .openAICompatible, .anthropicCompatible, .mock,
    ]

    /// The description behind a `type:`.
    public static func named(_ type: String) -> ProviderSpec? {
        Self.all.first { $0.type == type }
    }
}
