import NeedletailCore

extension ProviderSpec {
    /// Google's Vertex AI: Gemini (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>), Claude
    /// (<https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>), and open ones in OpenAI's
    /// dialect (<https://cloud.google.com/vertex-ai/generative-ai/docs/maas/call-open-model-apis>), whose names have their
    /// publisher before a slash.
    ///
    /// Without a key, which is an access token, tokens come from a credentials file, or else from the metadata server that
    /// machines of the cloud have.
    public static let vertex = ProviderSpec(
        type: "vertex",
        dialects: [.gemini, .anthropicMessages, .openAIChat],
        baseURL: "https://{location}-aiplatform.googleapis.com",
        auth: .bearer,
        identity: .googleCloud,
        paths: [
            .gemini: OperationPaths(
                version: "v1",
                [
                    .chat: Self.vertexPlace + "/publishers/google/models/{model}:generateContent",
                    .countTokens: Self.vertexPlace + "/publishers/google/models/{model}:countTokens",
                    .embeddings: Self.vertexPlace + "/publishers/google/models/{model}:predict",
                ],
                streamedChat: Self.vertexPlace + "/publishers/google/models/{model}:streamGenerateContent?alt=sse"),
            .anthropicMessages: OperationPaths(
                version: "v1",
                [
                    .chat: Self.vertexPlace + "/publishers/anthropic/models/{model}:rawPredict",
                    .countTokens: Self.vertexPlace + "/publishers/anthropic/models/count-tokens:rawPredict",
                ],
                streamedChat: Self.vertexPlace + "/publishers/anthropic/models/{model}:streamRawPredict"),
            .openAIChat: OperationPaths(
                version: "v1", [.chat: Self.vertexPlace + "/endpoints/openapi/chat/completions"]),
        ],
        requestFields: [
            .gemini: RequestFields(unwrapped: "generateContentRequest"),
            .anthropicMessages: RequestFields(added: ["anthropic_version": #""vertex-2023-10-16""#], omitsModel: true),
        ],
        settings: [
            ProviderSetting(
                "project", variables: ["GOOGLE_CLOUD_PROJECT"], isRequired: true, impliedBy: "credentials"),
            ProviderSetting("location", variables: ["GOOGLE_CLOUD_LOCATION"], fallback: "global"),
            ProviderSetting("credentials", variables: ["GOOGLE_APPLICATION_CREDENTIALS"], kind: .file),
        ],
        // <https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations>
        forms: [
            ProviderForm(when: "location", is: "global", baseURL: "https://aiplatform.googleapis.com"),
            ProviderForm(when: "location", is: "us", baseURL: "https://aiplatform.us.rep.googleapis.com"),
            ProviderForm(when: "location", is: "eu", baseURL: "https://aiplatform.eu.rep.googleapis.com"),
        ],
        modelDialects: Self.vertexPublishers.map { ModelDialects(prefix: $0 + "/", [.openAIChat]) }
            + [ModelDialects(prefix: "claude", [.anthropicMessages]), ModelDialects(prefix: "", [.gemini])],
        stateFamilies: [.claude(mark: "claude")],
        // "For gemini-embedding-001, each request can only include a single input text"; 250 for the others.
        embeddingForms: [
            EmbeddingForm(prefix: "gemini-embedding", VertexPrediction.self, maximumInputs: 1),
            EmbeddingForm(prefix: "", VertexPrediction.self, maximumInputs: 250),
        ],
        environmentPrefix: "VERTEX",
        requiresKey: true
    )

    private static let vertexPlace = "/projects/{project}/locations/{location}"
    /// Whose models are asked in OpenAI's dialect.
    private static let vertexPublishers = [
        "meta", "deepseek-ai", "qwen", "openai", "moonshotai", "minimaxai", "zai-org", "google", "xai",
    ]
}
