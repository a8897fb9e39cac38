import NeedletailCore

extension ProviderSpec {
    /// RunPod serverless: the worker's own OpenAI route (<https://docs.runpod.io/serverless/vllm/openai-compatibility>), or
    /// with `route: queue` the endpoint's queue (<https://docs.runpod.io/serverless/endpoints/send-requests>).
    public static let runPod = ProviderSpec(
        type: "runpod",
        dialects: [.openAIChat],
        baseURL: "https://api.runpod.ai",
        auth: .bearer,
        paths: [
            .openAIChat: OperationPaths(
                prefix: "/v2/{endpoint}/openai", version: "v1",
                [.chat: "/chat/completions", .listModels: "/models"])
        ],
        settings: [
            ProviderSetting("endpoint", variables: ["RUNPOD_ENDPOINT_ID"], isRequired: true),
            ProviderSetting("route", fallback: "openai"),
        ],
        forms: [
            ProviderForm(
                when: "route", is: "queue",
                paths: [.openAIChat: OperationPaths(prefix: "/v2/{endpoint}", version: nil, [.chat: "/run"])],
                jobs: .queue)
        ],
        environmentPrefix: "RUNPOD",
        requiresKey: true
    )
}
