public import NeedletailCore
import NeedletailStore

/// Makes, rotates and ends clients' keys. A gateway that runs sees it within a second.
public struct KeyTool: Sendable {
    private let store: any KeyStore
    private let time: TimeSource
    private let random: RandomSource

    /// Works on a store.
    public init(_ store: any KeyStore, time: TimeSource = .live, random: RandomSource = .live) {
        self.store = store
        self.time = time
        self.random = random
    }

    /// All keys.
    public func list() throws(NeedletailError) -> [StoredKey] { try self.store.keys() }

    /// Makes a key.
    ///
    /// - Parameters:
    ///   - grant: Who it speaks for and what it opens.
    ///   - limits: How much it may use.
    ///   - lifetime: In seconds; `nil` for no end.
    ///   - taken: Names that the configuration gives to its own keys.
    ///   - groups: Those that the configuration has; `nil` where nobody knows.
    /// - Returns: What is kept of it, and the key itself, which cannot be had again.
    public func create(
        _ name: String, grant: KeyGrant = KeyGrant(), limits: KeyLimits = KeyLimits(), lifetime: Int64? = nil,
        taken: [String] = [], groups: [String]? = nil
    ) throws(NeedletailError) -> (StoredKey, Secret) {
        guard ScalarCheck.isName(name) else {
            throw NeedletailError(.invalidRequest, "'\(name)' is no name; \(SchemaKind.name.example).")
        }
        let all = try self.store.keys()
        guard !all.contains(where: { $0.name == name }) else {
            throw NeedletailError(.invalidRequest, "There is a key '\(name)'; rotate it, or choose another name.")
        }
        guard !taken.contains(name) else {
            throw NeedletailError(.invalidRequest, "The configuration has a key '\(name)'; choose another name.")
        }
        try Self.check(limits, groups)
        let made = self.make(name, grant, limits, lifetime)
        try self.store.save([made.0])
        return made
    }

    /// Groups that answer in the place of others must be there.
    static func check(_ limits: KeyLimits, _ groups: [String]?) throws(NeedletailError) {
        guard let groups, case .downgrade(let group) = limits.budget?.exhaustion, !groups.contains(group) else {
            return
        }
        let nearest = NearestNames.nearestNames(to: group, among: groups, limit: 1).first
        throw NeedletailError(
            .invalidRequest,
            "There is no group '\(group.prefix(200))'; "
                + (nearest.map { "did you mean '\($0)'?" } ?? "write the name of one under 'models:'."))
    }

    /// Makes a new key of a name, or of the name of the key with that id; the one before ends after the overlap.
    public func rotate(_ key: String, overlap: Int64) throws(NeedletailError) -> (StoredKey, Secret) {
        let now = self.time.wallSeconds()
        let all = try self.store.keys()
        let name = try Self.meant(by: key, among: all).newest.name
        let valid = all.filter { $0.name == name && $0.isValid(at: now) }
        guard let newest = valid.max(by: { $0.created < $1.created }) else {
            throw NeedletailError(.invalidRequest, "The key '\(name)' has ended; create another.")
        }
        let lifetime = newest.expires.map { $0 - newest.created }
        var made = self.make(name, newest.grant, newest.limits, lifetime)
        made.0.account = newest.account
        let ending = valid.map { key in
            var key = key
            key.expires = min(key.expires ?? .max, now + max(0, overlap))
            return key
        }
        try self.store.save(ending + [made.0])
        return made
    }

    /// Switches all keys of a name off, or on again.
    public func setDisabled(_ name: String, _ isDisabled: Bool) throws(NeedletailError) {
        try self.store.save(
            try self.named(name).map { key in
                var key = key
                key.isDisabled = isDisabled
                return key
            })
    }

    /// Lets all keys of a name end at a moment, in seconds since 1970; `nil` for now. A key that has ended stays so.
    public func expire(_ name: String, at moment: Int64? = nil) throws(NeedletailError) {
        let now = self.time.wallSeconds()
        try self.store.save(
            try self.named(name).filter { $0.expires.map { now < $0 } ?? true }.map { key in
                var key = key
                key.expires = max(now, moment ?? now)
                return key
            })
    }

    /// The key with an id; where none has it, the keys of that name.
    private func named(_ key: String) throws(NeedletailError) -> [StoredKey] {
        let all = try self.store.keys()
        let ids = try Self.meant(by: key, among: all).ids
        return all.filter { ids.contains($0.id) }
    }

    /// Seconds since 1970.
    var now: Int64 { self.time.wallSeconds() }

    func save(_ keys: [StoredKey]) throws(NeedletailError) { try self.store.save(keys) }

    func remove(_ ids: [String]) throws(NeedletailError) { try self.store.delete(ids) }

    private func make(
        _ name: String, _ grant: KeyGrant, _ limits: KeyLimits, _ lifetime: Int64?
    ) -> (StoredKey, Secret) {
        let secret = KeySecret.make(self.random)
        let now = self.time.wallSeconds()
        let key = StoredKey(
            id: "key_" + String(self.random.next(), radix: 36) + String(self.random.next(), radix: 36), name: name,
            prefix: String(secret.exposed.prefix(KeySecret.shown)), hash: KeySecret.hash(secret.exposed),
            grant: grant, limits: limits, created: now,
            expires: lifetime.map { now.addingReportingOverflow($0) }.map { $0.overflow ? .max : $0.partialValue })
        return (key, secret)
    }
}
