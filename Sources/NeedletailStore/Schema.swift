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
        return migrator
    }
}
