import GRDB
public import NeedletailCore

extension SQLiteStore: KeyStore {
    /// See ``KeyStore/keys()``.
    public func keys() throws(NeedletailError) -> [StoredKey] {
        try self.read { database in
            let sql = """
                SELECT id, name, prefix, hash, tenant, models, created, expires, disabled FROM api_key
                ORDER BY name, created, id
                """
            return try Row.fetchAll(database, sql: sql).map { row in
                StoredKey(
                    id: row[0], name: row[1], prefix: row[2], hash: Self.bytes(row[3]),
                    tenant: row[4], models: (row[5] as String?)?.split(separator: "\n").map(String.init),
                    created: row[6], expires: row[7], isDisabled: row[8])
            }
        }
    }

    /// See ``KeyStore/save(_:)``.
    public func save(_ keys: [StoredKey]) throws(NeedletailError) {
        try self.write { database in
            let sql = """
                INSERT OR REPLACE INTO api_key (id, name, prefix, hash, tenant, models, created, expires, disabled)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
            for key in keys {
                try database.execute(
                    sql: sql,
                    arguments: [
                        key.id, key.name, key.prefix, Self.text(key.hash), key.tenant,
                        key.models?.joined(separator: "\n"), key.created, key.expires, key.isDisabled,
                    ])
            }
        }
    }

    /// See ``KeyStore/revision()``.
    public func revision() throws(NeedletailError) -> Int {
        try self.read { try Int.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    }

    /// Hashes are kept as hexadecimal text, which people can compare.
    private static func text(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap { index in
            UInt8(String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16)
        }
    }
}
