import GRDB
public import NeedletailCore

extension SQLiteStore: KeyStore {
    /// See ``KeyStore/keys()``.
    public func keys() throws(NeedletailError) -> [StoredKey] {
        try self.read { database in
            let sql = """
                SELECT id, name, prefix, hash, created, expires, disabled, tenant, team, tags, metadata, models,
                    providers, surfaces, networks, limits, account, client_tags
                FROM api_key ORDER BY name, created, id
                """
            return try Row.fetchAll(database, sql: sql).map { row in
                StoredKey(
                    id: row[0], name: row[1],
                    // In a file of an earlier version, which is only read, the name.
                    account: row[16] ?? row[1], prefix: row[2], hash: Self.bytes(row[3]), grant: Self.grant(row),
                    limits: try Self.limits(row[15]), created: row[4], expires: row[5], isDisabled: row[6])
            }
        }
    }

    /// See ``KeyStore/save(_:)``.
    public func save(_ keys: [StoredKey]) throws(NeedletailError) {
        try self.write { database in
            let sql = """
                INSERT OR REPLACE INTO api_key (id, name, prefix, hash, created, expires, disabled, tenant, team, tags,
                    metadata, models, providers, surfaces, networks, limits, account, client_tags)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
            for key in keys {
                let grant = key.grant
                try database.execute(
                    sql: sql,
                    arguments: [
                        key.id, key.name, key.prefix, Self.text(key.hash), key.created, key.expires, key.isDisabled,
                        grant.tenant, grant.team, Self.lines(grant.tags), Self.object(grant.metadata),
                        grant.models.map(Self.lines), grant.providers.map(Self.lines),
                        grant.surfaces.map { Self.lines($0.map(\.rawValue).sorted()) },
                        grant.networks.map { Self.lines($0.map(\.description)) }, Self.text(key.limits),
                        key.account, grant.clientTags.map(Self.lines),
                    ])
            }
        }
    }

    /// See ``KeyStore/delete(_:)``.
    public func delete(_ ids: [String]) throws(NeedletailError) {
        try self.write { database in
            for id in ids { try database.execute(sql: "DELETE FROM api_key WHERE id = ?", arguments: [id]) }
        }
    }

    private static func text(_ limits: KeyLimits) -> String? {
        guard !limits.isEmpty else { return nil }
        var json = JSONWriter()
        json.beginObject()
        limits.write(into: &json)
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }

    /// A key whose limits cannot be read is not taken for one without.
    private static func limits(_ text: String?) throws -> KeyLimits {
        guard let text else { return KeyLimits() }
        return KeyLimits(try JSONDocument(JSONText(text).bytes).root)
    }

    private static func grant(_ row: Row) -> KeyGrant {
        func list(_ index: Int) -> [String]? {
            (row[index] as String?)?.split(separator: "\n").map(String.init)
        }
        var grant = KeyGrant()
        grant.tenant = row[7]
        grant.team = row[8]
        grant.tags = list(9) ?? []
        grant.metadata = Self.pairs(row[10] as String? ?? "{}")
        grant.clientTags = list(17)
        grant.models = list(11)
        grant.providers = list(12)
        // A word that this version does not know opens nothing.
        grant.surfaces = list(13).map { Set($0.compactMap { ClientSurface(rawValue: $0) }) }
        grant.networks = list(14).map { $0.compactMap { ClientNetwork($0) } }
        return grant
    }

    private static func lines(_ words: [String]) -> String { words.joined(separator: "\n") }

    /// A JSON object of texts, its members in order.
    static func object(_ pairs: [String: String]) -> String {
        var json = JSONWriter()
        json.beginObject()
        for (key, value) in pairs.sorted(by: { $0.key < $1.key }) {
            json.key(key)
            json.string(value)
        }
        json.endObject()
        return JSONText(unchecked: json.bytes).description
    }

    /// What ``object(_:)`` wrote; what is no text is left out.
    static func pairs(_ text: String) -> [String: String] {
        guard let root = try? JSONDocument(JSONText(text).bytes).root else { return [:] }
        return Dictionary(
            root.members.compactMap { member in member.value.string.map { (member.key, $0) } },
            uniquingKeysWith: { first, _ in first })
    }

    /// See ``KeyStore/revision()``.
    public func revision() throws(NeedletailError) -> Int {
        try self.read { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// Bytes are kept as hexadecimal text, which people can compare.
    static func text(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    /// What ``text(_:)`` wrote.
    static func bytes(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
            UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16)
        }
    }
}
