import HTTPTypes

/// The header names of the surfaces, made once.
extension HTTPField.Name {
    static let needletailProvider = named("x-needletail-provider")
    static let needletailModel = named("x-needletail-model")
    static let needletailAttempts = named("x-needletail-attempts")
    static let needletailCost = named("x-needletail-cost-usd")
    static let needletailOverhead = named("x-needletail-overhead-ms")
    static let needletailLossy = named("x-needletail-lossy")
    static let needletailLossyContent = named("x-needletail-lossy-content")
    static let needletailDecision = named("x-needletail-decision")
    static let needletailCache = named("x-needletail-cache")
    static let needletailMaximumTokens = named("x-needletail-max-tokens")
    static let needletailDowngraded = named("x-needletail-downgraded")
    static let shouldRetry = named("x-should-retry")

    /// A name that is known to be a token.
    static func named(_ literal: StaticString) -> Self {
        // Never the fallback: tests make every name.
        Self(literal.description) ?? .xContentTypeOptions
    }
}
