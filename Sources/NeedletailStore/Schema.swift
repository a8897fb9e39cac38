import GRDB

/// The tables, as they came to be. A migration that has been released is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 ledger and budgets") { database in
            try database.execute(
                sql: """
                    CREATE TABLE ledger (
                        id INTEGER PRIMARY KEY,
                        at INTEGER NOT NULL,
                        request_id TEXT NOT NULL,
                        request INTEGER NOT NULL,
                        key TEXT NOT NULL,
                        tenant TEXT NOT NULL,
                        user TEXT NOT NULL,
                        provider TEXT NOT NULL,
                        model TEXT NOT NULL,
                        operation TEXT NOT NULL,
                        attempt INTEGER NOT NULL,
                        cause TEXT NOT NULL,
                        input_tokens INTEGER,
                        output_tokens INTEGER,
                        cached_tokens INTEGER,
                        cache_write_tokens INTEGER,
                        cache_write_1h_tokens INTEGER,
                        reasoning_tokens INTEGER,
                        searches INTEGER,
                        service_tier TEXT,
                        cost_pico_usd INTEGER,
                        accuracy TEXT,
                        over_hold INTEGER NOT NULL,
                        price_version TEXT NOT NULL,
                        duration_ms INTEGER NOT NULL,
                        first_token_ms INTEGER,
                        outcome TEXT NOT NULL,
                        error TEXT NOT NULL,
                        calls INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX ledger_at ON ledger (at);
                    -- Amounts are whole numbers in decimal text: pico-dollars outgrow 64 bits at 9.2 million dollars.
                    CREATE TABLE budget (
                        counter TEXT NOT NULL,
                        slot INTEGER NOT NULL,
                        spent TEXT NOT NULL,
                        leased TEXT NOT NULL,
                        PRIMARY KEY (counter, slot)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("2 keys") { database in
            try database.execute(
                sql: """
                    CREATE TABLE api_key (
                        id TEXT PRIMARY KEY,
                        name TEXT NOT NULL,
                        prefix TEXT NOT NULL,
                        hash TEXT NOT NULL UNIQUE,
                        tenant TEXT,
                        models TEXT,
                        created INTEGER NOT NULL,
                        expires INTEGER,
                        disabled INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX api_key_name ON api_key (name);
                    """)
        }
        migrator.registerMigration("state") { database in
            try database.execute(
                sql: """
                    CREATE TABLE state (
                        name TEXT PRIMARY KEY,
                        content TEXT NOT NULL,
                        changed INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("keys: surfaces, networks, teams") { database in
            // Lists have a line for each entry, as `models` does; `metadata` is JSON.
            for column in ["team", "tags", "metadata", "providers", "surfaces", "networks"] {
                try database.execute(sql: "ALTER TABLE api_key ADD COLUMN \(column) TEXT")
            }
        }
        migrator.registerMigration("vault") { database in
            try database.execute(
                sql: """
                    CREATE TABLE vault_seal (
                        version INTEGER PRIMARY KEY,
                        key_id TEXT NOT NULL,
                        proof TEXT NOT NULL,
                        created INTEGER NOT NULL
                    ) STRICT;
                    CREATE TABLE vault_secret (
                        name TEXT NOT NULL,
                        version INTEGER NOT NULL,
                        key_version INTEGER NOT NULL,
                        wrapped_key TEXT NOT NULL,
                        sealed TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        expires INTEGER,
                        validated INTEGER,
                        PRIMARY KEY (name, version)
                    ) STRICT, WITHOUT ROWID;
                    """)
        }
        migrator.registerMigration("audit") { database in
            try database.execute(
                sql: """
                    CREATE TABLE audit (
                        sequence INTEGER PRIMARY KEY,
                        event TEXT NOT NULL,
                        previous TEXT NOT NULL,
                        hash TEXT NOT NULL
                    ) STRICT;
                    CREATE TABLE audit_head (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        sequence INTEGER NOT NULL,
                        hash TEXT NOT NULL
                    ) STRICT;
                    -- Against mistakes; against malice there is the chain.
                    CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
                        BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
                    CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
                        BEGIN SELECT RAISE(ABORT, 'the audit record is append-only'); END;
                    """)
        }
        Self.registerContent(&migrator)
        migrator.registerMigration("3 teams, tags and indices of the ledger") { database in
            try database.execute(
                sql: """
                    ALTER TABLE ledger ADD COLUMN team TEXT NOT NULL DEFAULT '';
                    -- A JSON array of texts; empty text for none.
                    ALTER TABLE ledger ADD COLUMN tags TEXT NOT NULL DEFAULT '';
                    CREATE INDEX ledger_key_at ON ledger (key, at);
                    """)
        }
        migrator.registerMigration("keys: limits") { database in
            // JSON, see `KeyLimits`; none for no limits.
            try database.execute(sql: "ALTER TABLE api_key ADD COLUMN limits TEXT")
        }
        migrator.registerMigration("keys: accounts, client tags") { database in
            for column in ["account", "client_tags"] {
                try database.execute(sql: "ALTER TABLE api_key ADD COLUMN \(column) TEXT")
            }
        }
        Self.registerReplies(&migrator)
        migrator.registerMigration("keys: accounts of their own") { database in try Self.nameAccounts(database) }
        migrator.registerMigration("4 losses in the ledger") { database in
            // Names with commas between; empty text for none.
            try database.execute(sql: "ALTER TABLE ledger ADD COLUMN lost TEXT NOT NULL DEFAULT ''")
        }
        Self.registerSums(&migrator)
        migrator.registerMigration("keys: accounts in budgets of each key") { database in
            try Self.nameSubjects(database)
        }
        return migrator
    }

    /// Copies what keys have spent of budgets that each key has, which went by their names, to their accounts. Which budgets
    /// those are the configuration says: a count of somebody else of the same name is copied, too, and not shown.
    private static func nameSubjects(_ database: Database) throws {
        // The newest key of a name is the one that the count goes on with.
        let sql = "SELECT name, account FROM api_key WHERE account <> name ORDER BY created DESC, id"
        let accounts = Dictionary(
            try Row.fetchAll(database, sql: sql).map { row -> (String, String) in (row[0], row[1]) },
            uniquingKeysWith: { first, _ in first })
        guard !accounts.isEmpty else { return }
        // Names may hold slashes, too: each end that begins behind one may be a name.
        for counter in try String.fetchAll(database, sql: "SELECT DISTINCT counter FROM budget") {
            for slash in counter.indices where counter[slash] == "/" {
                let start = counter.index(after: slash)
                guard let account = accounts[String(counter[start...])] else { continue }
                try database.cachedStatement(
                    sql: """
                        INSERT OR IGNORE INTO budget (counter, slot, spent, leased)
                        SELECT ?, slot, spent, leased FROM budget WHERE counter = ?
                        """
                ).execute(arguments: [String(counter[..<start]) + account, counter])
            }
        }
    }

    /// Gives what keys have spent so far an account that no key of the configuration can have: the name and the id of the
    /// oldest key that counts there. The count is copied: a key of the configuration that has the name, too, goes on with it.
    private static func nameAccounts(_ database: Database) throws {
        let sql = """
            SELECT COALESCE(account, name), id FROM api_key
            WHERE account IS NULL OR account NOT LIKE '%#%' ORDER BY created, id
            """
        var named: Set<String> = []
        for row in try Row.fetchAll(database, sql: sql) {
            let (old, id): (String, String) = (row[0], row[1])
            guard named.insert(old).inserted else { continue }
            let account = "\(old)#\(id)"
            try database.execute(
                sql: "UPDATE api_key SET account = ? WHERE COALESCE(account, name) = ?", arguments: [account, old])
            // `key NAME`, and with what else is counted behind a space.
            let counter = "key \(old)"
            try database.execute(
                sql: """
                    INSERT OR IGNORE INTO budget (counter, slot, spent, leased)
                    SELECT ?1 || substr(counter, length(?2) + 1), slot, spent, leased FROM budget
                    WHERE counter = ?2 OR (counter > ?2 || ' ' AND counter < ?2 || '!')
                    """,
                arguments: ["key \(account)", counter])
        }
    }
}
