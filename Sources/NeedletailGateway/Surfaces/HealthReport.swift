/// What `/health` says.
public struct HealthReport: Sendable, Hashable {
    /// Whether requests can be answered.
    public var isHealthy: Bool
    /// The word for it: `healthy`, `degraded`, `unhealthy`.
    public var status: String
    /// One entry per provider, in the order to show.
    public var providers: [ProviderHealth]

    /// Creates a report.
    public init(isHealthy: Bool, status: String? = nil, providers: [ProviderHealth] = []) {
        self.isHealthy = isHealthy
        self.status = status ?? (isHealthy ? "healthy" : "unhealthy")
        self.providers = providers
    }
}
