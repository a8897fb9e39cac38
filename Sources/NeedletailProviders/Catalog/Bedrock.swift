import NeedletailCore

extension ProviderSpec {
    /// Amazon Bedrock: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.
    ///
    /// All models speak Converse. Claude's speak Anthropic's dialect too
    /// (<https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>), so that a
    /// client of that dialect is passed through.
    ///
    /// With a key of Bedrock's own requests carry it; without, they are signed with what keys, profile or role give.
    public static let bedrock = ProviderSpec(
        type: "bedrock",
        dialects: [.bedrockConverse, .anthropicMessages],
        baseURL: "https://bedrock-runtime.{region}.amazonaws.com",
        auth: .bearer,
        identity: .amazon(service: "bedrock"),
        paths: [
            .bedrockConverse: OperationPaths(
                version: nil,
                [
                    .chat: "/model/{model}/converse", .countTokens: "/model/{model}/count-tokens",
                    .embeddings: "/model/{model}/invoke",
                ],
                streamedChat: "/model/{model}/converse-stream"),
            .anthropicMessages: OperationPaths(
                version: nil, [.chat: "/model/{model}/invoke"],
                streamedChat: "/model/{model}/invoke-with-response-stream"),
        ],
        requestFields: [
            .anthropicMessages: RequestFields(
                added: ["anthropic_version": #""bedrock-2023-05-31""#], omitsModel: true, omitsStream: true)
        ],
        quirks: [.takesOnlyInlineMedia],
        settings: [
            ProviderSetting(
                "region", variables: ["AWS_REGION", "AWS_DEFAULT_REGION"], isRequired: true, impliedBy: "profile"),
            ProviderSetting("profile", variables: ["AWS_PROFILE"]),
            ProviderSetting("access_key_id", variables: ["AWS_ACCESS_KEY_ID"], isCredential: true),
            ProviderSetting("secret_access_key", variables: ["AWS_SECRET_ACCESS_KEY"], kind: .secret),
            ProviderSetting("session_token", variables: ["AWS_SESSION_TOKEN"], kind: .secret),
        ],
        // Claude's names, alone or with the place of a profile before them:
        // <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>
        modelDialects: ["", "us.", "eu.", "apac.", "jp.", "au.", "us-gov.", "ca.", "global."].map {
            ModelDialects(prefix: $0 + "anthropic.claude", [.bedrockConverse, .anthropicMessages])
        } + [ModelDialects(prefix: "", [.bedrockConverse])],
        stateFamilies: [.claude(mark: "claude")],
        embeddingForms: [
            EmbeddingForm(prefix: "amazon.titan-embed", TitanEmbeddings.self, maximumInputs: 1)
        ]
            // "Maximum number of texts per call is 96."
            + ["", "us.", "eu.", "global."].map {
                EmbeddingForm(prefix: $0 + "cohere.embed", BedrockCohereEmbeddings.self, maximumInputs: 96)
            },
        environmentPrefix: "BEDROCK",
        otherKeyVariables: ["AWS_BEARER_TOKEN_BEDROCK"],
        requiresKey: true,
        modelPrefixes: ["anthropic.claude", "amazon.", "us.anthropic.", "us.amazon."]
    )
}
