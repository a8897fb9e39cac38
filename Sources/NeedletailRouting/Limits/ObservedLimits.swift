public import NeedletailCore

/// What a provider says of its own limits in the headers of a reply.
public struct ObservedLimits: Sendable, Hashable {
    /// Requests a minute.
    public var requestsPerMinute: Int?
    /// Tokens a minute.
    public var tokensPerMinute: Int?
    /// When a limit that is used up is there again.
    public var usedUpUntil: Instant?

    /// Creates an observation.
    public init(requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, usedUpUntil: Instant? = nil) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.usedUpUntil = usedUpUntil
    }
}
