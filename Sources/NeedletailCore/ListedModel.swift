/// A model that clients may ask for.
public struct ListedModel: Sendable, Hashable {
    /// The name to ask for.
    public var id: String
    /// Who serves it: a provider's or a group's name.
    public var owner: String
    /// When the provider published it, in seconds since 1970, where it says.
    public var created: Int64?

    /// Creates an entry.
    public init(id: String, owner: String, created: Int64? = nil) {
        self.id = id
        self.owner = owner
        self.created = created
    }
}
