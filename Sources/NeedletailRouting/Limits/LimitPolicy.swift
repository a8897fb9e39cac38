/// How much of something may be used; `nil` for no limit.
public struct LimitPolicy: Sendable, Hashable {
    /// Requests at a time, streams to their end; from 1.
    public var concurrency: Int?
    /// Requests a minute; from 1.
    public var requestsPerMinute: Int?
    /// Requests an hour; from 1.
    public var requestsPerHour: Int?
    /// Tokens a minute, input and output together; from 1.
    public var tokensPerMinute: Int?
    /// The most requests at once: what the bucket of the minute holds, or that of the hour where there is no other. From
    /// 1. Default as many as its rate.
    public var burst: Int?
    /// Whether the rates follow the provider's refusals and headers, never above what stands here. Default false.
    public var isAdaptive: Bool

    /// Creates a policy.
    public init(
        concurrency: Int? = nil,
        requestsPerMinute: Int? = nil,
        requestsPerHour: Int? = nil,
        tokensPerMinute: Int? = nil,
        burst: Int? = nil,
        isAdaptive: Bool = false
    ) {
        self.concurrency = concurrency
        self.requestsPerMinute = requestsPerMinute
        self.requestsPerHour = requestsPerHour
        self.tokensPerMinute = tokensPerMinute
        self.burst = burst
        self.isAdaptive = isAdaptive
    }

    /// Whether it limits nothing and learns nothing.
    public var isEmpty: Bool {
        self.concurrency == nil && self.requestsPerMinute == nil && self.requestsPerHour == nil
            && self.tokensPerMinute == nil && !self.isAdaptive
    }
}
