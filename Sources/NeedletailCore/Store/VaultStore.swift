/// One version of a credential as the store keeps it: sealed, so that the file alone shows nothing of it.
public struct SealedSecret: Sendable, Hashable {
    /// The name by which a configuration asks for it.
    public var name: String
    /// Counts the versions of a name from 1.
    public var version: Int
    /// Which master key its own key is wrapped with, see ``VaultSeal/version``.
    public var keyVersion: Int
    /// Its own key, sealed with the master key.
    public var wrappedKey: [UInt8]
    /// The credential, sealed with its own key.
    public var sealed: [UInt8]
    /// When it was set, in seconds since 1970.
    public var created: Int64
    /// When it stops being used, in seconds since 1970; `nil` for the newest of a name.
    public var expires: Int64?
    /// When its provider last took it, in seconds since 1970; `nil` for never asked.
    public var validated: Int64?

    /// Creates a record.
    public init(
        name: String, version: Int, keyVersion: Int, wrappedKey: [UInt8], sealed: [UInt8], created: Int64,
        expires: Int64? = nil, validated: Int64? = nil
    ) {
        self.name = name
        self.version = version
        self.keyVersion = keyVersion
        self.wrappedKey = wrappedKey
        self.sealed = sealed
        self.created = created
        self.expires = expires
        self.validated = validated
    }
}

/// What a vault tells of its master key without showing it.
public struct VaultSeal: Sendable, Hashable {
    /// Counts the master keys from 1.
    public var version: Int
    /// Names the key, for people: a part of a hash of it.
    public var keyID: String
    /// A known text, sealed with the key: who cannot open it has another key.
    public var proof: [UInt8]
    /// Since when it holds, in seconds since 1970.
    public var created: Int64

    /// Creates a seal.
    public init(version: Int, keyID: String, proof: [UInt8], created: Int64) {
        self.version = version
        self.keyID = keyID
        self.proof = proof
        self.created = created
    }
}

/// All that a vault holds.
public struct VaultContents: Sendable, Hashable {
    /// The master key's mark; `nil` while nothing was ever set.
    public var seal: VaultSeal?
    /// All versions, by name and version.
    public var secrets: [SealedSecret]

    /// Creates contents.
    public init(seal: VaultSeal? = nil, secrets: [SealedSecret] = []) {
        self.seal = seal
        self.secrets = secrets
    }
}

/// Keeps a vault. Methods block; they are called on a thread that may, never on an event loop.
public protocol VaultStore: Sendable {
    /// What the vault holds.
    func vault() throws(NeedletailError) -> VaultContents
    /// Changes it in one transaction: whole, or not at all when `change` throws.
    func changeVault(_ change: (inout VaultContents) throws(NeedletailError) -> Void) throws(NeedletailError)
    /// A number that differs whenever another connection has written.
    func revision() throws(NeedletailError) -> Int
}
