/// What may be shown of a credential.
public struct VaultEntry: Sendable, Hashable {
    /// The name by which a configuration asks for it.
    public var name: String
    /// The version that is used.
    public var version: Int
    /// When it was set, in seconds since 1970.
    public var created: Int64
    /// When its provider last took it, in seconds since 1970; `nil` for never asked.
    public var validated: Int64?
    /// The versions before it that are still used, and until when, in seconds since 1970.
    public var overlapping: [(version: Int, until: Int64)]
    /// The master key's name.
    public var keyID: String

    /// Whether both say the same.
    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.version == right.version && left.created == right.created
            && left.validated == right.validated && left.keyID == right.keyID
            && left.overlapping.map(\.version) == right.overlapping.map(\.version)
            && left.overlapping.map(\.until) == right.overlapping.map(\.until)
    }

    /// Hashes what tells entries apart.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.name)
        hasher.combine(self.version)
    }

    /// How old it is.
    public func age(at now: Int64) -> Duration { .seconds(max(0, now - self.created)) }
}

/// A version of a credential that may be used.
struct VaultValue: Sendable {
    /// Counts the versions of a name.
    var version: Int
    /// The credential.
    var secret: Secret
    /// When it was set, in seconds since 1970.
    var created: Int64
}
