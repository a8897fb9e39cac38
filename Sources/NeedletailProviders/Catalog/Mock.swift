import NeedletailCore

extension ProviderSpec {
    /// The mock upstream that ships with the gateway and runs inside it.
    public static let mock = ProviderSpec(
        type: "mock",
        dialects: [
            .openAIChat, .anthropicMessages, .gemini, .bedrockConverse, .ollamaChat, .ollamaGenerate, .cohereChat,
            .openAICompletions,
        ],
        baseURL: "http://mock.invalid",
        auth: .none,
        quirks: [.takesCustomTools],
        isMock: true,
        billing: .nothing
    )
}
