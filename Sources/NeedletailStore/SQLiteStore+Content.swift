import GRDB
public import NeedletailCore

extension Schema {
    static func registerContent(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("content") { database in
            try database.execute(
                sql: """
                    CREATE TABLE content (
                        id INTEGER PRIMARY KEY,
                        at INTEGER NOT NULL,
                        request_id TEXT NOT NULL,
                        key TEXT NOT NULL,
                        tenant TEXT NOT NULL,
                        user TEXT NOT NULL,
                        model TEXT NOT NULL,
                        provider TEXT NOT NULL,
                        request TEXT NOT NULL,
                        reply TEXT NOT NULL,
                        cut INTEGER NOT NULL
                    ) STRICT;
                    CREATE INDEX content_at ON content (at);
                    CREATE INDEX content_request_id ON content (request_id);
                    CREATE INDEX content_user ON content (user) WHERE user <> '';
                    CREATE INDEX ledger_user ON ledger (user) WHERE user <> '';
                    """)
        }
    }
}

extension SQLiteStore {
    /// Keeps what was said.
    public func append(_ contents: [StoredContent]) throws(NeedletailError) {
        guard !contents.isEmpty else { return }
        try self.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO content (at, request_id, key, tenant, user, model, provider, request, reply, cut)
                    VALUES (?,?,?,?,?,?,?,?,?,?)
                    """)
            for content in contents {
                try statement.execute(arguments: [
                    content.wallMilliseconds, content.requestID, content.key, content.tenant, content.user,
                    content.model, content.provider, content.request, content.reply, content.isCut,
                ])
            }
        }
    }

    /// What was said in the newest request with an id; `nil` where it is not kept.
    public func content(of requestID: String) throws(NeedletailError) -> StoredContent? {
        try self.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM content WHERE request_id = ? ORDER BY id DESC LIMIT 1",
                arguments: [requestID]
            ).map { row in
                StoredContent(
                    wallMilliseconds: row["at"], requestID: row["request_id"], key: row["key"], tenant: row["tenant"],
                    user: row["user"], model: row["model"], provider: row["provider"], request: row["request"],
                    reply: row["reply"], isCut: row["cut"])
            }
        }
    }

    /// Forgets what was said before a time, in milliseconds since 1970 UTC.
    ///
    /// - Returns: How many requests that were.
    @discardableResult
    public func deleteContent(before time: Int64) throws(NeedletailError) -> Int {
        try self.write { database in
            try database.execute(sql: "DELETE FROM content WHERE at < ?", arguments: [time])
            return database.changesCount
        }
    }

    /// What was done for a user who is to be forgotten.
    public struct Erasure: Sendable, Hashable {
        /// Requests whose content is gone.
        public var contents: Int
        /// Cached replies that are gone.
        public var replies = 0
        /// Lines, of the ledger and of whatever else counts by user, that have ``pseudonym`` in the user's place.
        public var lines: Int
    }

    /// Forgets an end user: deletes what was said, and puts a pseudonym in the place of the name everywhere else, so that sums
    /// stay as they are.
    ///
    /// - Parameters:
    ///   - tenant: Only this tenant's user of that name; `nil` for all.
    ///   - pseudonym: What stands in the name's place; tells nothing.
    ///   - counters: The user's counts of budgets, each with when what still counts of it begins: what began before has a
    ///     pseudonym from now on, what still counts stays, since a budget would begin anew without it.
    public func erase(
        user: String, tenant: String?, pseudonym: String, counters: [BudgetSlot] = []
    ) throws(NeedletailError) -> Erasure {
        guard !user.isEmpty else { return Erasure(contents: 0, lines: 0) }
        return try self.write { database in
            var erasure = Erasure(contents: 0, lines: 0)
            for slot in counters where slot.counter.hasSuffix("/\(user)") {
                let renamed = String(slot.counter.dropLast(user.count)) + pseudonym
                try database.execute(
                    sql: "UPDATE budget SET counter = ? WHERE counter = ? AND slot < ?",
                    arguments: [renamed, slot.counter, slot.start])
                erasure.lines += database.changesCount
            }
            for table in try String.fetchAll(
                database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            {
                let columns = Set(try database.columns(in: table).map(\.name))
                // Every table that names the user, whichever part of the gateway keeps it.
                guard columns.contains("user") else { continue }
                var condition = "user = ?"
                var arguments: StatementArguments = [user]
                if let tenant, columns.contains("tenant") {
                    condition += " AND tenant = ?"
                    arguments += [tenant]
                }
                let name = table.quotedDatabaseIdentifier
                if table == "content" || table == "cached_reply" {
                    try database.execute(sql: "DELETE FROM \(name) WHERE \(condition)", arguments: arguments)
                    if table == "content" {
                        erasure.contents = database.changesCount
                    } else {
                        erasure.replies = database.changesCount
                    }
                } else {
                    try database.execute(
                        sql: "UPDATE \(name) SET user = ? WHERE \(condition)", arguments: [pseudonym] + arguments)
                    erasure.lines += database.changesCount
                }
            }
            return erasure
        }
    }
}
