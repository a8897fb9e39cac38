import HTTPTypes
import NeedletailCore

/// What must be equal for two requests to share a reply.
///
/// It holds the request itself and not a digest of it, so that no field can be forgotten and no two requests collide.
struct CacheKey: Sendable, Hashable {
    /// Who asks, a tenant or else a key: replies are shared within it and never across.
    var scope: String
    /// The models that the key may use: who may not ask for a reply does not get it from the cache either.
    var allowedModels: [String]?
    /// The providers that may answer the key.
    var allowedProviders: [String]?
    /// Headers that the upstream sees.
    var headers: HTTPFields
    /// Headers that rules may choose the target by.
    var routingHeaders: HTTPFields
    /// Whether the client refuses losses.
    var isStrict: Bool
    /// The client's own user: part of what is asked, and of whom to forget.
    var user: String?
    /// The tenant of the client's key.
    var tenant: String?
    /// What is asked for.
    var operation: Operation
    /// The model, as the client wrote it.
    var model: String
    /// What is asked.
    var content: CacheContent

    init(_ request: InferenceRequest, _ context: RequestInfo, content: CacheContent) {
        self.scope = Self.scope(tenant: context.tenant, key: context.keyName)
        self.allowedModels = context.allowedModels
        self.allowedProviders = context.allowedProviders
        self.headers = context.forwardedHeaders
        self.routingHeaders = context.routingHeaders
        self.isStrict = context.isStrict
        self.user = request.user
        self.tenant = context.tenant
        self.operation = request.operation
        self.model = request.model
        self.content = content
    }

    /// Who shares replies: the keys of a tenant with each other, a key of none with nobody.
    static func scope(tenant: String?, key: String?) -> String {
        tenant.map { "tenant " + $0 } ?? key.map { "key " + $0 } ?? ""
    }
}
