public import NeedletailCore

/// Providers' credentials, sealed in the store. Every call blocks on the store, and on the program that prints the master
/// key where there is one.
public struct Vault: Sendable {
    /// No credential is longer.
    static let sizeLimit = 64 << 10
    /// The versions that are kept; operators have tens.
    static let capacity = 10_000
    /// How often a change begins again because the vault was sealed anew meanwhile, which operators do once in months.
    private static let attempts = 3

    let store: any VaultStore
    let configuration: VaultConfiguration
    let environment: [String: String]
    var files = ConfigurationFiles.live
    var time = TimeSource.live
    var random = RandomSource.live
    /// The keys of one load, which reads many credentials; `nil` to fetch them for each piece of work.
    var keys: VaultKeys?

    // MARK: Keys

    /// The cipher that opens what is there, tried with the key and, where that is not the one, with the one before.
    func cipher(_ contents: VaultContents) throws(NeedletailError) -> VaultCipher? {
        try self.cipher(contents, self.keys ?? self.freshKeys())
    }

    private func cipher(_ contents: VaultContents, _ keys: VaultKeys) throws(NeedletailError) -> VaultCipher? {
        guard let seal = contents.seal else { return nil }
        if case .success(let master) = keys.master {
            let cipher = VaultCipher(master: master, keyVersion: seal.version)
            if cipher.opens(seal.proof) { return cipher }
        }
        // Also while the new key is not there yet: the one before still opens.
        if let previous = keys.previous {
            let cipher = VaultCipher(master: previous, keyVersion: seal.version)
            if cipher.opens(seal.proof) { return cipher }
        }
        let master = try keys.master.get()
        throw NeedletailError(
            .unavailable,
            "The vault is sealed with another master key: with \(seal.keyID), and \(self.configuration.masterKey.description) "
                + "holds \(master.id). Give that one, or it as `vault.previous_key`; nothing was changed.")
    }

    /// Keys that are fetched again.
    func freshKeys() -> VaultKeys { VaultKeys(self.configuration, self.environment, self.files) }

    private func seal(_ cipher: VaultCipher) throws(NeedletailError) -> VaultSeal {
        VaultSeal(
            version: cipher.keyVersion, keyID: cipher.master.id, proof: try cipher.proof(self.random),
            created: self.time.wallSeconds())
    }

    // MARK: Reading

    /// What is there, by name, without the credentials. Needs no master key.
    public func list() throws(NeedletailError) -> [VaultEntry] {
        let contents = try self.store.vault()
        return Self.entries(contents, now: self.time.wallSeconds())
    }

    static func entries(_ contents: VaultContents, now: Int64) -> [VaultEntry] {
        let names = Dictionary(grouping: contents.secrets, by: \.name)
        return names.keys.sorted().compactMap { name in
            let versions = (names[name] ?? []).sorted { $0.version > $1.version }
            guard let newest = versions.first else { return nil }
            let overlapping = versions.dropFirst().compactMap { record in
                record.expires.flatMap { $0 > now ? (version: record.version, until: $0) : nil }
            }
            return VaultEntry(
                name: name, version: newest.version, created: newest.created, validated: newest.validated,
                overlapping: overlapping, keyID: contents.seal?.keyID ?? "")
        }
    }

    /// The versions of a name that may be used, the newest first; empty for a name that is not there.
    func values(_ name: String) throws(NeedletailError) -> [VaultValue] {
        let contents = try self.store.vault()
        guard let cipher = try self.cipher(contents) else { return [] }
        let now = self.time.wallSeconds()
        var values: [VaultValue] = []
        for record in contents.secrets.reversed()
        where record.name == name && record.expires.map({ now < $0 }) ?? true {
            values.append(
                VaultValue(version: record.version, secret: try cipher.open(record), created: record.created))
        }
        return values
    }

    // MARK: Changing

    /// Sets a credential; what was there under the name is gone.
    @discardableResult
    public func set(_ name: String, _ secret: Secret) throws(NeedletailError) -> VaultEntry {
        try self.add(name, secret, overlap: 0, mustExist: false)
    }

    /// Sets a new version of a credential that is there; the ones before work on for the overlap, in seconds.
    @discardableResult
    public func rotate(_ name: String, _ secret: Secret, overlap: Int64) throws(NeedletailError) -> VaultEntry {
        try self.add(name, secret, overlap: overlap, mustExist: true)
    }

    private func add(
        _ name: String, _ secret: Secret, overlap: Int64, mustExist: Bool
    ) throws(NeedletailError) -> VaultEntry {
        guard ScalarCheck.isName(name) else {
            throw NeedletailError(.invalidRequest, "'\(name.prefix(60))' is no name; \(SchemaKind.name.example).")
        }
        try Self.check(secret)
        if mustExist { try Self.require(name, try self.store.vault()) }
        let now = self.time.wallSeconds()
        var entry: VaultEntry?
        try self.change { contents, opened, master throws(NeedletailError) in
            if mustExist { try Self.require(name, contents) }
            // A vault that was never written to begins with the master key.
            let cipher: VaultCipher
            if let opened { cipher = opened } else { cipher = VaultCipher(master: try master.get(), keyVersion: 1) }
            if contents.seal == nil { contents.seal = try self.seal(cipher) }
            let version = (contents.secrets.filter { $0.name == name }.map(\.version).max() ?? 0) + 1
            for index in contents.secrets.indices where contents.secrets[index].name == name {
                let end = min(contents.secrets[index].expires ?? .max, now + max(0, overlap))
                contents.secrets[index].expires = end
            }
            contents.secrets.removeAll { $0.expires.map { $0 <= now } ?? false }
            guard contents.secrets.count < Self.capacity else {
                throw NeedletailError(.invalidRequest, "The vault holds \(Self.capacity) versions, and takes no more.")
            }
            contents.secrets.append(
                try cipher.seal(secret, name: name, version: version, created: now, random: self.random))
            entry = Self.entries(contents, now: now).first { $0.name == name }
        }
        guard let entry else { throw NeedletailError(.internalFailure, "The vault has lost what was set.") }
        return entry
    }

    /// Takes a credential out.
    public func delete(_ name: String) throws(NeedletailError) {
        try self.store.changeVault { contents throws(NeedletailError) in
            try Self.require(name, contents)
            contents.secrets.removeAll { $0.name == name }
        }
    }

    /// Notes that a provider took a version just now.
    func validated(_ name: String, version: Int) throws(NeedletailError) {
        let now = self.time.wallSeconds()
        try self.store.changeVault { contents throws(NeedletailError) in
            for index in contents.secrets.indices
            where contents.secrets[index].name == name && contents.secrets[index].version == version {
                contents.secrets[index].validated = now
            }
        }
    }

    /// Seals everything anew with the master key, opening it with that or the one before; whole, or not at all.
    ///
    /// - Returns: How many versions there are, and the key's name.
    public func reseal() throws(NeedletailError) -> (count: Int, keyID: String) {
        var count = 0
        var keyID = ""
        try self.change { contents, opened, found throws(NeedletailError) in
            let master = try found.get()
            guard let old = opened else {
                throw NeedletailError(.notFound, "The vault is empty; there is nothing to seal anew.")
            }
            let new = VaultCipher(master: master, keyVersion: old.keyVersion + 1)
            var secrets: [SealedSecret] = []
            for record in contents.secrets {
                var next = try new.seal(
                    try old.open(record), name: record.name, version: record.version, created: record.created,
                    random: self.random)
                next.expires = record.expires
                next.validated = record.validated
                secrets.append(next)
            }
            contents = VaultContents(seal: try self.seal(new), secrets: secrets)
            count = secrets.count
            keyID = master.id
        }
        return (count, keyID)
    }

    /// Changes what takes a key. The keys are fetched before the store is locked: that may take a program seconds, in which
    /// calls wait for their budgets.
    ///
    /// - Parameter body: Given what opens the vault, `nil` for one that was never written to, and the master key.
    private func change(
        _ body: (
            _ contents: inout VaultContents, _ opened: VaultCipher?, _ master: Result<MasterKey, NeedletailError>
        ) throws(NeedletailError) -> Void
    ) throws(NeedletailError) {
        for _ in 0..<Self.attempts {
            let seen = try self.store.vault()
            let keys = self.freshKeys()
            let master = keys.master
            let opened = try self.cipher(seen, keys)
            var isDone = false
            try self.store.changeVault { contents throws(NeedletailError) in
                // Somebody has sealed it anew meanwhile: another key may be needed.
                guard contents.seal == seen.seal else { return }
                try body(&contents, opened, master)
                isDone = true
            }
            if isDone { return }
        }
        throw NeedletailError(.unavailable, "The vault is being sealed anew; nothing was changed. Try again.")
    }

    /// What can be sent as a credential.
    static func check(_ secret: Secret) throws(NeedletailError) {
        let units = secret.exposed.utf8
        guard !units.isEmpty, units.count <= Self.sizeLimit, units.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw NeedletailError(
                .invalidRequest, "A secret is a text of 1 byte to 64 KiB without line breaks and control characters.")
        }
    }

    static func require(_ name: String, _ contents: VaultContents) throws(NeedletailError) {
        let names = Set(contents.secrets.map(\.name))
        guard !names.contains(name) else { return }
        let nearest = NearestNames.nearestNames(to: name, among: names.sorted(), limit: 1).first
        throw NeedletailError(
            .notFound, "The vault has no secret '\(name.prefix(60))'\(nearest.map { "; did you mean '\($0)'?" } ?? ".")"
        )
    }
}
