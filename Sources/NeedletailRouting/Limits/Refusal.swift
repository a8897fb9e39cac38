public import NeedletailCore

/// Why a candidate may not be asked now, and until when as far as that is known.
public struct Refusal: Sendable, Hashable {
    /// What stands in the way.
    public enum Reason: String, Sendable, Hashable {
        /// Its circuit breaker is open, or half open and busy with probes.
        case circuitOpen = "circuit_open"
        /// An operator holds its circuit breaker open.
        case forcedOpen = "forced_open"
        /// The provider asked not to be called before a certain time.
        case resting
        /// Requests a minute.
        case requestsPerMinute = "requests_per_minute"
        /// Requests an hour.
        case requestsPerHour = "requests_per_hour"
        /// Tokens a minute.
        case tokensPerMinute = "tokens_per_minute"
        /// The request alone is more than the tokens that a minute holds.
        case tooManyTokens = "too_many_tokens"
        /// Requests at a time.
        case concurrency

        /// Whether it is a limit, and not a fault of whoever is behind it.
        public var isLimit: Bool { self != .circuitOpen && self != .forcedOpen }
    }

    /// What stands in the way.
    public var reason: Reason
    /// When it will no longer, at the earliest; `nil` when that is not known or never.
    public var until: Instant?
    /// Whose limit it is, for people: `provider openai`, `key dev`. Empty for a breaker.
    public var scope: String

    /// Creates a refusal.
    public init(_ reason: Reason, until: Instant? = nil, scope: String = "") {
        self.reason = reason
        self.until = until
        self.scope = scope
    }

    /// What a client of this limit is told.
    func error(now: Instant) -> NeedletailError {
        let wait = self.until.map { max(.zero, $0.duration(since: now)) }
        let scope = self.scope.isEmpty ? "" : " of \(self.scope)"
        switch self.reason {
        case .circuitOpen, .forcedOpen:
            return NeedletailError(.unavailable, "No provider may be asked now.", retryAfter: wait)
        case .resting:
            return NeedletailError(.rateLimited, "The provider asked to be called later.", retryAfter: wait)
        case .requestsPerMinute:
            return NeedletailError(
                .rateLimited, "The limit\(scope) of requests per minute is used up.", retryAfter: wait)
        case .requestsPerHour:
            return NeedletailError(.rateLimited, "The limit\(scope) of requests per hour is used up.", retryAfter: wait)
        case .tokensPerMinute:
            return NeedletailError(.rateLimited, "The limit\(scope) of tokens per minute is used up.", retryAfter: wait)
        case .tooManyTokens:
            var error = NeedletailError(
                .rateLimited, "The request alone is more than the tokens that the limit\(scope) holds.")
            error.isExhausted = true
            return error
        case .concurrency:
            return NeedletailError(
                .rateLimited, "The limit\(scope) of requests at a time is reached.", retryAfter: wait)
        }
    }
}
