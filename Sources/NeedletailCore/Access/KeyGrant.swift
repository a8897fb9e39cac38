/// Who a client's key speaks for and what it opens, wherever the key comes from: the configuration, the store, a token.
public struct KeyGrant: Sendable, Hashable {
    /// The tenant that it belongs to; `nil` for none. Tenants see nothing of each other.
    public var tenant: String?
    /// The team within the tenant, for budgets and bills; `nil` for none.
    public var team: String?
    /// Words that its requests are counted under.
    public var tags: [String] = []
    /// The words, as patterns, that clients may have their requests counted under besides; `nil` for any.
    public var clientTags: [String]?
    /// What else is known of it, for people.
    public var metadata: [String: String] = [:]
    /// The models that it may use, as patterns; `nil` for all.
    public var models: [String]?
    /// The providers that may answer it, as patterns; `nil` for all.
    public var providers: [String]?
    /// The surfaces that it may ask; `nil` for all.
    public var surfaces: Set<ClientSurface>?
    /// Where it may be used from; `nil` for everywhere.
    public var networks: [ClientNetwork]?

    /// Everything for nobody in particular.
    public init() {}

    /// For a tenant, with some models.
    public init(tenant: String?, models: [String]?) {
        self.tenant = tenant
        self.models = models
    }
}
