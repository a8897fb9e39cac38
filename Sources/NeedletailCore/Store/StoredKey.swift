/// A client's key as the store keeps it: everything but the key itself, of which only a hash is there.
public struct StoredKey: Sendable, Hashable {
    /// Tells keys apart, also two of one name while one replaces the other.
    public var id: String
    /// The name, for logs and bills.
    public var name: String
    /// What its limits and budget are counted under, whatever its name becomes: the name that it was made with and its id, which
    /// no other key has. One that replaces it takes it over.
    public var account: String
    /// How the key begins, to recognise it by.
    public var prefix: String
    /// SHA-256 of the key. A key has 256 random bits, so that there is nothing to guess and nothing to salt.
    public var hash: [UInt8]
    /// Who it speaks for and what it opens.
    public var grant: KeyGrant
    /// How much it may use, together with all keys of its name.
    public var limits: KeyLimits
    /// When it was made, in seconds since 1970.
    public var created: Int64
    /// When it ends, in seconds since 1970; `nil` for never.
    public var expires: Int64?
    /// Whether it is switched off.
    public var isDisabled: Bool

    /// Creates a key.
    ///
    /// - Parameter account: `nil` for one of its own.
    public init(
        id: String,
        name: String,
        account: String? = nil,
        prefix: String,
        hash: [UInt8],
        grant: KeyGrant = KeyGrant(),
        limits: KeyLimits = KeyLimits(),
        created: Int64,
        expires: Int64? = nil,
        isDisabled: Bool = false
    ) {
        self.id = id
        self.name = name
        // No name has a number sign.
        self.account = account ?? "\(name)#\(id)"
        self.prefix = prefix
        self.hash = hash
        self.grant = grant
        self.limits = limits
        self.created = created
        self.expires = expires
        self.isDisabled = isDisabled
    }

    /// Whether it opens anything at a moment, in seconds since 1970.
    public func isValid(at now: Int64) -> Bool {
        !self.isDisabled && self.expires.map { now < $0 } ?? true
    }
}

/// Keeps clients' keys. Methods block; they are called on a thread that may, never on an event loop.
public protocol KeyStore: Sendable {
    /// All keys, by name and age.
    func keys() throws(NeedletailError) -> [StoredKey]
    /// Adds keys and replaces those with the same ``StoredKey/id``, all or none.
    func save(_ keys: [StoredKey]) throws(NeedletailError)
    /// Forgets the keys with these ids, all or none. What was written down under their names stays.
    func delete(_ ids: [String]) throws(NeedletailError)
    /// A number that differs whenever another connection has written.
    func revision() throws(NeedletailError) -> Int
}
