import NeedletailCore

extension ProviderSpec {
    /// Cloudflare Workers AI: <https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/>.
    public static let cloudflare = ProviderSpec(
        type: "cloudflare",
        dialects: [.openAIChat],
        baseURL: "https://api.cloudflare.com",
        auth: .bearer,
        paths: [
            .openAIChat: OperationPaths(
                prefix: "/client/v4/accounts/{account_id}/ai", version: "v1", [.chat: "/chat/completions"])
        ],
        settings: [ProviderSetting("account_id", variables: ["CLOUDFLARE_ACCOUNT_ID"], isRequired: true)],
        environmentPrefix: "CLOUDFLARE_AI",
        otherKeyVariables: ["CLOUDFLARE_API_TOKEN"],
        requiresKey: true,
        modelPrefixes: ["@cf/"]
    )
}
