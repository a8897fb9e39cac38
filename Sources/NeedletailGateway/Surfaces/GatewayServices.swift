public import HTTPTypes
public import NIOCore
public import NeedletailCore

/// All that the API listener needs of a configuration. Immutable: a reload makes a new one and swaps it in.
public struct GatewayServices: Sendable {
    /// Reads the facts of a body.
    public typealias Peek =
        @Sendable (ByteBuffer, DialectID, NeedletailCore.Operation) throws(NeedletailError) -> InferenceRequest

    /// Answers every inference request; resolves the model's name itself.
    public var stack: any Provider
    /// The models that a key with these globs may use; `nil` stands for all.
    public var listModels: @Sendable (_ allowed: [String]?) -> [ListedModel]
    /// The client keys.
    public var access: AccessTable
    /// The client headers that rules and the like look at; only these are kept.
    public var routingHeaders: [HTTPField.Name]
    /// How the gateway is.
    public var health: @Sendable () -> HealthReport
    /// Reads a body; `nil` stands for ``RequestPeek``.
    public var peek: Peek?

    /// Creates services.
    public init(
        stack: any Provider,
        listModels: @escaping @Sendable (_ allowed: [String]?) -> [ListedModel],
        access: AccessTable = AccessTable(),
        routingHeaders: [HTTPField.Name] = [],
        health: @escaping @Sendable () -> HealthReport = { HealthReport(isHealthy: true) },
        peek: Peek? = nil
    ) {
        self.stack = stack
        self.listModels = listModels
        self.access = access
        self.routingHeaders = routingHeaders
        self.health = health
        self.peek = peek
    }
}

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

/// The health of one provider.
public struct ProviderHealth: Sendable, Hashable {
    /// The provider's name.
    public var name: String
    /// Whether requests go to it.
    public var isHealthy: Bool
    /// The state of its circuit breaker: `closed`, `open`, `half_open`.
    public var circuitState: String
    /// From 0 to 1.
    public var healthScore: Double
    /// When it last answered well, in seconds since 1970.
    public var lastSuccess: Int64?

    /// Creates an entry.
    public init(
        name: String,
        isHealthy: Bool,
        circuitState: String = "closed",
        healthScore: Double = 1,
        lastSuccess: Int64? = nil
    ) {
        self.name = name
        self.isHealthy = isHealthy
        self.circuitState = circuitState
        self.healthScore = healthScore
        self.lastSuccess = lastSuccess
    }
}
