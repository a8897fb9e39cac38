/// The health of one provider.
public struct ProviderHealth: Sendable, Hashable {
    /// The three words for it.
    public enum Status: String, Sendable, Hashable {
        /// All is well.
        case healthy
        /// It answers, but not as it should.
        case degraded
        /// Nothing is to be expected of it.
        case unhealthy
    }

    /// The provider's name.
    public var name: String
    /// How it is.
    public var status: Status
    /// The state of its circuit breakers together: `closed`, `open`, `half_open`.
    public var circuitState: String
    /// From 0 to 1.
    public var healthScore: Double
    /// When it last answered well, in seconds since 1970; `nil` for never.
    public var lastSuccess: Int64?
    /// The share of its calls that went well of late, 0 to 1; `nil` while there was none.
    public var successRate: Double?
    /// The mean of its last latencies in milliseconds; `nil` while there is none.
    public var averageResponseTime: Double?
    /// What its last health check failed with; `nil` if it did not.
    public var lastError: String?

    /// Creates an entry.
    public init(
        name: String,
        status: Status = .healthy,
        circuitState: String = "closed",
        healthScore: Double = 1,
        lastSuccess: Int64? = nil,
        successRate: Double? = nil,
        averageResponseTime: Double? = nil,
        lastError: String? = nil
    ) {
        self.name = name
        self.status = status
        self.circuitState = circuitState
        self.healthScore = healthScore
        self.lastSuccess = lastSuccess
        self.successRate = successRate
        self.averageResponseTime = averageResponseTime
        self.lastError = lastError
    }

    /// Whether requests may be expected to succeed.
    public var isHealthy: Bool { self.status != .unhealthy }
}
