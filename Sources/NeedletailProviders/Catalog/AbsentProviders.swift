extension ProviderSpec {
    /// The environment variables of keys for providers that people may expect and this version has not.
    public static let absentKeyVariables = [
        "GOOGLE_API_KEY", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_OPENAI_API_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "AI21_API_KEY", "HF_TOKEN",
        "HUGGINGFACE_API_KEY", "REPLICATE_API_TOKEN", "RUNPOD_API_KEY",
    ]
}
