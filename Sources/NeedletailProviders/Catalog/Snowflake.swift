import NeedletailCore

extension ProviderSpec {
    /// Snowflake Cortex: <https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api>.
    ///
    /// The base URL is the account, `https://ORG-ACCOUNT.snowflakecomputing.com`; the key a programmatic access token, or a
    /// token of OAuth or a key pair, whose kind the server finds out by itself.
    public static let snowflake = ProviderSpec(
        type: "snowflake",
        dialects: [.openAIChat],
        baseURL: nil,
        auth: .bearer,
        paths: [.openAIChat: OperationPaths(prefix: "/api/v2/cortex", version: "v1", [.chat: "/chat/completions"])],
        // `max_tokens` is deprecated there.
        quirks: [.wantsMaxCompletionTokens],
        environmentPrefix: "SNOWFLAKE",
        otherKeyVariables: ["SNOWFLAKE_PAT"],
        requiresKey: true
    )
}
