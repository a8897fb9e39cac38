extension ProviderSpec {
    /// Every provider that ships. A test holds each to its fixtures.
    public static let all: [ProviderSpec] = [
        .openAI, .anthropic, .gemini, .cohere, .ollama, .vLLM, .together, .openAICompatible, .anthropicCompatible,
        .mock,
    ]

    /// The description behind a `type:`.
    public static func named(_ type: String) -> ProviderSpec? {
        Self.all.first { $0.type == type }
    }
}
