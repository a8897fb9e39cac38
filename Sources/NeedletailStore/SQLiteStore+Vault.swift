import GRDB
public import NeedletailCore

extension SQLiteStore: VaultStore {
    /// See ``VaultStore/vault()``.
    public func vault() throws(NeedletailError) -> VaultContents {
        try self.read(Self.vault)
    }

    /// See ``VaultStore/changeVault(_:)``.
    public func changeVault(
        _ change: (inout VaultContents) throws(NeedletailError) -> Void
    ) throws(NeedletailError) {
        try self.write { database in
            let before = try Self.vault(database)
            var after = before
            try change(&after)
            if after.seal != before.seal {
                try database.execute(sql: "DELETE FROM vault_seal")
                if let seal = after.seal {
                    try database.execute(
                        sql: "INSERT INTO vault_seal (version, key_id, proof, created) VALUES (?, ?, ?, ?)",
                        arguments: [seal.version, seal.keyID, Self.text(seal.proof), seal.created])
                }
            }
            let kept = Set(after.secrets)
            for secret in before.secrets where !kept.contains(secret) {
                try database.execute(
                    sql: "DELETE FROM vault_secret WHERE name = ? AND version = ?",
                    arguments: [secret.name, secret.version])
            }
            let known = Set(before.secrets)
            for secret in after.secrets where !known.contains(secret) {
                try database.execute(sql: Self.insertSecret, arguments: Self.arguments(secret))
            }
        }
    }

    private static let insertSecret = """
        INSERT INTO vault_secret (name, version, key_version, wrapped_key, sealed, created, expires, validated)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """

    private static func arguments(_ secret: SealedSecret) -> StatementArguments {
        [
            secret.name, secret.version, secret.keyVersion, Self.text(secret.wrappedKey), Self.text(secret.sealed),
            secret.created, secret.expires, secret.validated,
        ]
    }

    private static func vault(_ database: Database) throws -> VaultContents {
        // A file that an older version made and nobody has written to since.
        guard try database.tableExists("vault_secret") else { return VaultContents() }
        let seal = try Row.fetchOne(
            database, sql: "SELECT version, key_id, proof, created FROM vault_seal ORDER BY version DESC LIMIT 1"
        ).map { row in
            VaultSeal(version: row[0], keyID: row[1], proof: Self.bytes(row[2]), created: row[3])
        }
        let sql = """
            SELECT name, version, key_version, wrapped_key, sealed, created, expires, validated FROM vault_secret
            ORDER BY name, version
            """
        let secrets = try Row.fetchAll(database, sql: sql).map { row in
            SealedSecret(
                name: row[0], version: row[1], keyVersion: row[2], wrappedKey: Self.bytes(row[3]),
                sealed: Self.bytes(row[4]), created: row[5], expires: row[6], validated: row[7])
        }
        return VaultContents(seal: seal, secrets: secrets)
    }
}
