extension ProviderSpec {
    /// The environment variables of keys for providers that people may expect and this version has not.
    public static let absentKeyVariables = [
        "AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK",
    ]
}
