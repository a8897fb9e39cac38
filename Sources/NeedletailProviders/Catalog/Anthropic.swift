import HTTPTypes
import NeedletailCore

extension ProviderSpec {
    /// Anthropic: <https://docs.anthropic.com/en/api/messages>.
    public static let anthropic = ProviderSpec(
        type: "anthropic",
        dialects: [.anthropicMessages],
        baseURL: "https://api.anthropic.com/v1",
        auth: .header(.xAPIKey),
        headers: Self.anthropicHeaders,
        stateFamilies: [.claude()],
        environmentPrefix: "ANTHROPIC",
        requiresKey: true,
        modelPrefixes: ["claude-"],
        // A small account's; larger ones write their own.
        limits: DefaultLimits(requestsPerMinute: 1_000, tokensPerMinute: 400_000)
    )

    /// The version that every request must name: <https://docs.anthropic.com/en/api/versioning>. A client's own replaces
    /// it.
    static let anthropicHeaders: [DialectID: HTTPFields] = [
        .anthropicMessages: [.anthropicVersion: "2023-06-01"]
    ]
}
