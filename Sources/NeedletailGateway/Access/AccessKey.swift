public import NeedletailCore

/// A client key that has been found.
public struct AccessKey: Sendable, Hashable {
    /// The key's name, which may be logged.
    public var name: String
    /// What the client sends; never logged.
    public var secret: String
    /// Who it speaks for and what it opens.
    public var grant: KeyGrant
    /// Who goes first when not all can.
    public var priority: RequestPriority

    /// Creates a key.
    public init(name: String, secret: String, grant: KeyGrant, priority: RequestPriority = .normal) {
        self.name = name
        self.secret = secret
        self.grant = grant
        self.priority = priority
    }

    /// Creates a key that opens all surfaces from everywhere.
    public init(
        name: String, secret: String, tenant: String? = nil, models: [String]? = nil,
        priority: RequestPriority = .normal
    ) {
        self.init(name: name, secret: secret, grant: KeyGrant(tenant: tenant, models: models), priority: priority)
    }
}
