import GRDB
public import NeedletailCore

/// The requests of the past, in a file of their own: large, and of less worth than the ledger, so that neither a backup of
/// the one nor a slow reader of the other stands in the way.
///
/// What is filtered by stands in narrow rows, what is shown beside them. Of each block of numbers that is full is noted what
/// its requests have, so that a search goes only through those that may have what it looks for: one that finds nothing in a
/// million takes some milliseconds. Readers do not wait for the writer (WAL).
public final class RequestArchive: Sendable {
    let pool: DatabasePool
    /// The file.
    public let path: String

    /// Opens the file, or creates it.
    ///
    /// - Throws: `.unavailable`, with words for the operator.
    public init(path: String) throws(NeedletailError) {
        self.path = path
        var configuration = GRDB.Configuration()
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        configuration.prepareDatabase { database in
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
            try database.execute(sql: "PRAGMA journal_size_limit = 16777216")
        }
        do {
            self.pool = try DatabasePool(path: path, configuration: configuration)
            try Self.migrator.migrate(self.pool)
        } catch {
            throw SQLiteStore.failure(error, path)
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 requests") { database in
            try database.execute(
                sql: """
                    CREATE TABLE request (
                        number INTEGER PRIMARY KEY,
                        at INTEGER NOT NULL,
                        id TEXT NOT NULL,
                        key TEXT,
                        model TEXT NOT NULL,
                        answered TEXT,
                        -- Everybody who was called, between commas.
                        called TEXT NOT NULL,
                        status INTEGER NOT NULL,
                        duration_ms INTEGER NOT NULL,
                        cost_pico_usd INTEGER
                    ) STRICT;
                    CREATE INDEX request_id ON request (id);
                    CREATE TABLE story (number INTEGER PRIMARY KEY, row TEXT NOT NULL, whole TEXT NOT NULL) STRICT;
                    """)
        }
        Self.registerBlocks(&migrator)
        return migrator
    }

    /// The highest number there is; 0 for none.
    public func newest() throws(NeedletailError) -> Int64 {
        try self.read { try Int64.fetchOne($0, sql: "SELECT max(number) FROM request") ?? 0 }
    }

    /// Adds requests; a number that is there already is left as it is.
    public func append(_ requests: [ArchivedRequest]) throws(NeedletailError) {
        try self.write { database in
            let row = try database.cachedStatement(
                sql: "INSERT OR IGNORE INTO request VALUES (?,?,?,?,?,?,?,?,?,?)")
            let story = try database.cachedStatement(sql: "INSERT OR IGNORE INTO story VALUES (?,?,?)")
            let limit = try Self.summarized(database)
            var late: Set<Int64> = []
            for one in requests {
                if one.number < limit { late.insert(Self.block(of: one.number)) }
                try row.execute(arguments: [
                    one.number, one.second, one.id, one.key, one.model, one.answeredModel,
                    "," + one.called.joined(separator: ",") + ",", one.status, one.durationMilliseconds,
                    one.picoDollars,
                ])
                try story.execute(arguments: [one.number, one.row, one.whole])
            }
            for block in late { try Self.summarize(database, block..<(block + 1)) }
            try Self.summarizeNext(database)
        }
    }

    /// What is shown of the newest requests that fit, newest first, by their numbers.
    ///
    /// - Parameter before: Only those with a lower number.
    public func page(
        _ filter: ArchiveFilter, before: Int64, limit: Int
    ) throws(NeedletailError) -> [(number: Int64, row: String)] {
        try self.read { database in
            let conditions = filter.conditions
            guard !conditions.isEmpty else {
                return try Self.rows(database, "request", [("request.number < ?", [before])], "", limit)
            }
            // First what no block tells of yet: the newest, and where older versions have written, all.
            let summarized = try Self.summarized(database)
            let tail: [(String, [any DatabaseValueConvertible])] = [
                ("request.number >= ? AND request.number < ?", [summarized, before])
            ]
            let newest = try Self.rows(database, "request", tail + conditions, "", limit)
            guard newest.count < limit, summarized > 0 else { return newest }
            let blocks: [(String, [any DatabaseValueConvertible])] = [
                ("block.number <= ? AND request.number < ?", [Self.block(of: before), min(before, summarized)])
            ]
            return newest
                + (try Self.rows(
                    database, Self.requestsOfBlocks, blocks + filter.blockConditions + conditions,
                    "block.number DESC, ", limit - newest.count))
        }
    }

    /// The newest rows that fit, through the tables named.
    private static func rows(
        _ database: Database, _ table: String, _ conditions: [(String, [any DatabaseValueConvertible])],
        _ order: String, _ limit: Int
    ) throws -> [(number: Int64, row: String)] {
        let arguments = StatementArguments(conditions.flatMap(\.1)) + [limit]
        let sql = """
            SELECT request.number, story.row FROM \(table) CROSS JOIN story ON story.number = request.number
            WHERE \(conditions.map(\.0).joined(separator: " AND ")) ORDER BY \(order)request.number DESC LIMIT ?
            """
        return try Row.fetchAll(database, sql: sql, arguments: arguments).map { (number: $0[0], row: $0[1]) }
    }

    /// The whole story of the newest request with an id.
    public func find(_ id: String) throws(NeedletailError) -> String? {
        try self.read { database in
            try String.fetchOne(
                database,
                sql: """
                    SELECT whole FROM story WHERE number = (SELECT max(number) FROM request WHERE id = ?)
                    """, arguments: [id])
        }
    }

    /// Forgets requests that ended before a second, so many at most.
    ///
    /// - Returns: How many.
    public func remove(before second: Int64, limit: Int) throws(NeedletailError) -> Int {
        try self.write { database in
            let numbers = try Int64.fetchAll(
                database,
                sql: "SELECT number FROM (SELECT number, at FROM request ORDER BY number LIMIT ?) WHERE at < ?",
                arguments: [limit, second])
            guard let last = numbers.max() else { return 0 }
            for table in ["request", "story"] {
                try database.execute(sql: "DELETE FROM \(table) WHERE number <= ?", arguments: [last])
            }
            // Of a block of which some are left what it has had is more than it has: a search looks into it in vain at most.
            try database.execute(sql: "DELETE FROM block WHERE number < ?", arguments: [Self.block(of: last + 1)])
            return numbers.count
        }
    }

    private func write<Result>(_ body: (Database) throws -> Result) throws(NeedletailError) -> Result {
        do { return try self.pool.write(body) } catch { throw SQLiteStore.failure(error, self.path) }
    }

    private func read<Result>(_ body: (Database) throws -> Result) throws(NeedletailError) -> Result {
        do { return try self.pool.read(body) } catch { throw SQLiteStore.failure(error, self.path) }
    }
}
