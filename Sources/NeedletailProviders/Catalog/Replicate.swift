import NeedletailCore

extension ProviderSpec {
    /// Replicate: <https://replicate.com/docs/reference/http>. Language models as predictions, text only; a model is
    /// OWNER/NAME, OWNER/NAME:VERSION or a version.
    public static let replicate = ProviderSpec(
        type: "replicate",
        dialects: [.openAIChat],
        baseURL: "https://api.replicate.com/v1",
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(version: "v1", [.chat: "/predictions"])],
        requestFields: [
            .openAIChat: RequestFields(
                renamed: ["max_completion_tokens": "max_tokens"],
                refused: [
                    "user", "logit_bias", "store", "service_tier", "parallel_tool_calls", "reasoning_effort",
                    "verbosity",
                    "metadata",
                ])
        ],
        environmentPrefix: "REPLICATE",
        otherKeyVariables: ["REPLICATE_API_TOKEN"],
        requiresKey: true,
        jobs: .predictions
    )
}
