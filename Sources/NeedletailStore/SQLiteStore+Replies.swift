import GRDB
import NIOCore
public import NeedletailCore

extension Schema {
    static func registerReplies(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("cached replies") { database in
            // `body` last, so that a look at the others does not read it. `is_text`: else it is in hexadecimal digits.
            try database.execute(
                sql: """
                    CREATE TABLE cached_reply (
                        id INTEGER PRIMARY KEY,
                        digest TEXT NOT NULL UNIQUE,
                        created INTEGER NOT NULL,
                        scope TEXT NOT NULL,
                        tenant TEXT NOT NULL,
                        user TEXT NOT NULL,
                        model TEXT NOT NULL,
                        provider_model TEXT NOT NULL,
                        size INTEGER NOT NULL,
                        head TEXT NOT NULL,
                        is_text INTEGER NOT NULL,
                        body TEXT NOT NULL
                    ) STRICT;
                    CREATE INDEX cached_reply_created ON cached_reply (created);
                    CREATE INDEX cached_reply_size ON cached_reply (size);
                    CREATE INDEX cached_reply_scope ON cached_reply (scope);
                    CREATE INDEX cached_reply_user ON cached_reply (user) WHERE user <> '';
                    """)
        }
    }
}

/// Replies of the cache that outlive the process.
extension SQLiteStore {
    /// The reply with a digest; `nil` for none, and for one that cannot be read.
    public func reply(_ digest: [UInt8]) throws(NeedletailError) -> CachedReply? {
        try self.read { database in
            let sql = "SELECT head, is_text, body FROM cached_reply WHERE digest = ?"
            let row = try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [Self.text(digest)])
            guard let row, let head = try? JSONText(row[0] as String) else { return nil }
            let body: String = row[2]
            let bytes = row[1] ? ByteBuffer(string: body) : ByteBuffer(bytes: Self.bytes(body))
            return CachedReply(head: head, bytes: bytes)
        }
    }

    /// Keeps replies, each in the place of one with the same digest, and makes room for them: those kept longest go first.
    ///
    /// - Parameters:
    ///   - maximumSize: The bytes that all may take.
    ///   - before: The bytes that they take so far.
    /// - Returns: How many others had to go, and the bytes that are kept now.
    public func keep(
        _ replies: [StoredReply], within maximumSize: Int, before: Int
    ) throws(NeedletailError) -> (evicted: Int, size: Int) {
        try self.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO cached_reply
                        (digest, created, scope, tenant, user, model, provider_model, size, head, is_text, body)
                    VALUES (?,?,?,?,?,?,?,?,?,?,?)
                    """)
            var (size, added) = (before, 0)
            for stored in replies where stored.size <= maximumSize {
                let view = stored.reply.bytes.readableBytesView
                let text = String(validating: view, as: UTF8.self)
                try statement.execute(arguments: [
                    Self.text(stored.digest), stored.reply.created, stored.scope, stored.tenant, stored.user,
                    stored.model, stored.reply.model, stored.size, stored.reply.head().description, text != nil,
                    text ?? Self.text(Array(view)),
                ])
                size += stored.size
                added += stored.size
            }
            // A smaller bound than before is reached in several turns: others write here too.
            let least = max(maximumSize, size - added - Self.mostFreedAtOnce)
            var evicted = 0
            while size > least {
                let oldest = try Row.fetchAll(
                    database, sql: "SELECT id, size FROM cached_reply ORDER BY id LIMIT ?",
                    arguments: [Self.mostAtOnce])
                guard !oldest.isEmpty else {
                    size = 0
                    break
                }
                for row in oldest where size > least {
                    try database.execute(
                        sql: "DELETE FROM cached_reply WHERE id = ?", arguments: [row[0] as Int64])
                    size -= row[1]
                    evicted += 1
                }
            }
            return (evicted, size)
        }
    }

    /// Replies that are deleted in one transaction: some milliseconds, in which nothing else is written.
    private static let mostAtOnce = 256
    /// Bytes that go in one transaction beyond what came in it.
    private static let mostFreedAtOnce = 64 << 20

    /// Forgets replies that were made before a time, in seconds since 1970, some of them at a time.
    ///
    /// - Returns: Whether there may be more.
    public func deleteReplies(before time: Int64) throws(NeedletailError) -> Bool {
        try self.write { database in
            try database.execute(
                sql: """
                    DELETE FROM cached_reply WHERE id IN
                        (SELECT id FROM cached_reply WHERE created < ? ORDER BY created LIMIT ?)
                    """,
                arguments: [time, Self.mostAtOnce])
            return database.changesCount == Self.mostAtOnce
        }
    }

    /// Forgets the replies of a scope, of a model by the client's name or the provider's, or all; some of them at a time.
    ///
    /// - Parameter scope: Empty for every one.
    /// - Returns: How many went; when none did, there are no more.
    public func deleteReplies(scope: String, model: String?) throws(NeedletailError) -> Int {
        try self.write { database in
            try database.execute(
                sql: """
                    DELETE FROM cached_reply WHERE id IN (
                        SELECT id FROM cached_reply
                        WHERE (?1 = '' OR scope = ?1) AND (?2 IS NULL OR model = ?2 OR provider_model = ?2) LIMIT ?3)
                    """,
                arguments: [scope, model, Self.mostAtOnce])
            return database.changesCount
        }
    }

    /// How many replies there are, and the bytes that they take.
    public func replyCount() throws(NeedletailError) -> (count: Int, size: Int) {
        try self.read { database in
            let row = try Row.fetchOne(database, sql: "SELECT count(*), coalesce(sum(size), 0) FROM cached_reply")
            return (row?[0] ?? 0, row?[1] ?? 0)
        }
    }
}
