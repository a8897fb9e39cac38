import NeedletailCore

extension ProviderSpec {
    /// Models on Azure: OpenAI's by deployment (<https://learn.microsoft.com/azure/ai-services/openai/reference>), and
    /// Claude's (<https://learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/use-foundry-models-claude>).
    ///
    /// The base URL is the resource, `https://NAME.openai.azure.com` or `https://NAME.services.ai.azure.com`. The model
    /// is the deployment's name; one that begins with `claude` is asked in Anthropic's dialect. With `api_version: v1`, or a
    /// base URL that ends in `/openai/v1`, the newer form without versions is used. There is no list of deployments.
    public static let azure = ProviderSpec(
        type: "azure",
        dialects: [.openAIChat, .openAIResponses, .anthropicMessages],
        baseURL: nil,
        auth: .header(.apiKey),
        authByDialect: [.anthropicMessages: .header(.xAPIKey)],
        identity: .microsoftEntra(scope: "https://cognitiveservices.azure.com/.default"),
        headers: Self.anthropicHeaders,
        paths: [
            .openAIChat: OperationPaths(
                prefix: "/openai", version: nil,
                [
                    .chat: "/deployments/{model}/chat/completions?api-version={api_version}",
                    .embeddings: "/deployments/{model}/embeddings?api-version={api_version}",
                ]),
            .openAIResponses: OperationPaths(
                prefix: "/openai", version: nil,
                [
                    .chat: "/responses?api-version={api_version}",
                    .retrieveResponse: "/responses/{model}?api-version={api_version}",
                    .deleteResponse: "/responses/{model}?api-version={api_version}",
                    .listInputItems: "/responses/{model}/input_items?api-version={api_version}",
                ]),
            .anthropicMessages: OperationPaths(prefix: "/anthropic", version: "v1", [.chat: "/messages"]),
        ],
        quirks: [.wantsMaxCompletionTokens],
        settings: [
            // The latest version that is generally available.
            ProviderSetting(
                "api_version", variables: ["AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"], fallback: "2024-10-21"),
            ProviderSetting("tenant_id", variables: ["AZURE_TENANT_ID"]),
            ProviderSetting("client_id", variables: ["AZURE_CLIENT_ID"]),
            ProviderSetting("client_secret", variables: ["AZURE_CLIENT_SECRET"], kind: .secret),
            ProviderSetting("access_token", variables: ["AZURE_OPENAI_AD_TOKEN"], kind: .secret),
            ProviderSetting(
                "authority", variables: ["AZURE_AUTHORITY_HOST"], fallback: "https://login.microsoftonline.com"),
        ],
        forms: [
            ProviderForm(
                when: "api_version", is: "v1", pathEnd: "/openai/v1",
                paths: [
                    .openAIChat: OperationPaths(
                        prefix: "/openai", version: "v1", [.chat: "/chat/completions", .embeddings: "/embeddings"]),
                    .openAIResponses: Self.azureResponses(query: ""),
                ]),
            ProviderForm(
                when: "api_version", is: "preview",
                paths: [
                    .openAIChat: OperationPaths(
                        prefix: "/openai", version: "v1",
                        [
                            .chat: "/chat/completions?api-version=preview",
                            .embeddings: "/embeddings?api-version=preview",
                        ]),
                    .openAIResponses: Self.azureResponses(query: "?api-version=preview"),
                ]),
        ],
        modelDialects: [
            ModelDialects(prefix: "claude", [.anthropicMessages]),
            ModelDialects(prefix: "", [.openAIChat, .openAIResponses]),
        ],
        environmentPrefix: "AZURE_OPENAI",
        otherBaseURLVariables: ["AZURE_OPENAI_ENDPOINT"],
        requiresKey: true
    )

    private static func azureResponses(query: String) -> OperationPaths {
        OperationPaths(
            prefix: "/openai", version: "v1",
            [
                .chat: "/responses" + query, .retrieveResponse: "/responses/{model}" + query,
                .deleteResponse: "/responses/{model}" + query,
                .listInputItems: "/responses/{model}/input_items" + query,
            ])
    }
}
