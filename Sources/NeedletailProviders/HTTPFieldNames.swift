public import HTTPTypes

extension HTTPField.Name {
    private static func known(_ name: String) -> Self {
        // Every caller below passes a literal token, which is a valid name; the fallback is never reached.
        Self(name) ?? .userAgent
    }

    /// `x-api-key`, Anthropic's place for a key.
    public static let xAPIKey = Self.known("x-api-key")
    /// `x-goog-api-key`, Google's place for a key.
    public static let xGoogAPIKey = Self.known("x-goog-api-key")
    /// `api-key`, Azure's place for a key.
    public static let apiKey = Self.known("api-key")
    /// `anthropic-version`.
    public static let anthropicVersion = Self.known("anthropic-version")
    /// `anthropic-beta`.
    public static let anthropicBeta = Self.known("anthropic-beta")
    /// `openai-organization`.
    public static let openAIOrganization = Self.known("openai-organization")
    /// `openai-beta`.
    public static let openAIBeta = Self.known("openai-beta")
    /// `openai-project`.
    public static let openAIProject = Self.known("openai-project")
    /// `x-request-id`.
    public static let xRequestID = Self.known("x-request-id")
    /// `request-id`, where Anthropic's SDK looks for it.
    public static let requestID = Self.known("request-id")
    /// `traceparent`, a span's identity.
    public static let traceparent = Self.known("traceparent")
    /// `tracestate`, what goes with it.
    public static let tracestate = Self.known("tracestate")
    /// `x-upstream-request-id`: the provider's id of the same request.
    public static let xUpstreamRequestID = Self.known("x-upstream-request-id")
    /// `x-amzn-errortype`: the type of an error of Amazon's.
    public static let amazonErrorType = Self.known("x-amzn-errortype")
    /// `x-amzn-requestid`, where Amazon's SDKs look for a request's id.
    public static let amazonRequestID = Self.known("x-amzn-requestid")
}
