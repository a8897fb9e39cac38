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
    /// Proxies that are believed when they say for whom they ask.
    public var trustedProxies: [ClientNetwork] = []
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
