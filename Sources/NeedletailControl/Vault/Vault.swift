public import NeedletailCore

/// Providers' credentials, sealed in the store. Every call blocks on the store, and on the program that prints the master
/// key where there is one.
public struct Vault: Sendable {
    /// No credential is longer.
    static let sizeLimit = 64 << 10
    /// The versions that are kept; operators have tens.
    static let capacity = 10_000

    let store: any VaultStore
    let configuration: VaultConfiguration
    let environment: [String: String]
    var files = ConfigurationFiles.live
    var time = TimeSource.live
    var random = RandomSource.live

    // MARK: Keys

    /// The cipher that opens what is there, tried with the key and the one before.
    func cipher(_ contents: VaultContents) throws(NeedletailError) -> VaultCipher? {
        guard let seal = contents.seal else { return nil }
        let first: MasterKey
        do throws(NeedletailError) { first = try self.masterKey() } catch {
            // While the new key is not there yet, the one before still opens.
            guard let previous = self.previousKey(),
                VaultCipher(master: previous, keyVersion: seal.version).opens(seal.proof)
            else { throw error }
            return VaultCipher(master: previous, keyVersion: seal.version)
        }
        for key in [first, self.previousKey()].compactMap({ $0 }) {
            let cipher = VaultCipher(master: key, keyVersion: seal.version)
            if cipher.opens(seal.proof) { return cipher }
        }
        throw NeedletailError(
            .unavailable,
            "The vault is sealed with another master key: with \(seal.keyID), and \(self.configuration.masterKey.description) "
                + "holds \(first.id). Give that one, or it as `vault.previous_key`; nothing was changed.")
    }

    private func masterKey() throws(NeedletailError) -> MasterKey {
        try self.configuration.masterKey.read(self.environment, self.files)
    }

    private func previousKey() -> MasterKey? {
        try? self.configuration.previousKey.read(self.environment, self.files)
    }

    /// The cipher to write with; a vault that was never written to begins with the master key.
    private func writing(_ contents: inout VaultContents) throws(NeedletailError) -> VaultCipher {
        if let cipher = try self.cipher(contents) { return cipher }
        let cipher = VaultCipher(master: try self.masterKey(), keyVersion: 1)
        contents.seal = try self.seal(cipher)
        return cipher
    }

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
        return try self.change { contents, now throws(NeedletailError) in
            if mustExist { try Self.require(name, contents) }
            let cipher = try self.writing(&contents)
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
            return name
        }
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
        let master = try self.masterKey()
        var count = 0
        try self.store.changeVault { contents throws(NeedletailError) in
            guard let old = try self.cipher(contents) else {
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
        }
        return (count, master.id)
    }

    private func change(
        _ body: (inout VaultContents, _ now: Int64) throws(NeedletailError) -> String
    ) throws(NeedletailError) -> VaultEntry {
        let now = self.time.wallSeconds()
        var entry: VaultEntry?
        try self.store.changeVault { contents throws(NeedletailError) in
            let name = try body(&contents, now)
            entry = Self.entries(contents, now: now).first { $0.name == name }
        }
        guard let entry else { throw NeedletailError(.internalFailure, "The vault has lost what was set.") }
        return entry
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
