import NeedletailCore

extension ProviderSpec {
    /// Any server of Anthropic's messages; the operator says where it is.
    public static let anthropicCompatible = ProviderSpec(
        type: "anthropic-compatible",
        dialects: [.anthropicMessages],
        baseURL: nil,
        auth: .header(.xAPIKey),
        headers: Self.anthropicHeaders,
        billing: .like("anthropic")
    )
}
