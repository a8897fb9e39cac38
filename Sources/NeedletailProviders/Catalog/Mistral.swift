import NeedletailCore

extension ProviderSpec {
    /// Mistral: <https://docs.mistral.ai/api/#tag/chat>.
    ///
    /// A member that it does not know is a 422. Usage comes unasked, with the last content.
    public static let mistral = ProviderSpec(
        type: "mistral",
        dialects: [.openAIChat],
        baseURL: "https://api.mistral.ai/v1",
        auth: .bearer,
        requestFields: [
            .openAIChat: RequestFields(
                renamed: ["seed": "random_seed", "max_completion_tokens": "max_tokens"],
                refused: [
                    "user", "logprobs", "top_logprobs", "logit_bias", "store", "service_tier", "modalities", "audio",
                ])
        ],
        quirks: [.refusesStreamOptions],
        environmentPrefix: "MISTRAL",
        requiresKey: true,
        modelPrefixes: [
            "mistral-", "ministral-", "magistral-", "codestral-", "devstral-", "pixtral-", "voxtral-", "open-mistral-",
            "open-mixtral-",
        ]
    )
}
