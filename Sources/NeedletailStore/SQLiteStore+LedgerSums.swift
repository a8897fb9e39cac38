import GRDB
import NeedletailCore

extension Schema {
    static func registerSums(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("5 sums of the ledger") { database in
            try database.execute(
                sql: """
                    -- Whether the line's request may have others, which are found by the index then.
                    ALTER TABLE ledger ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
                    CREATE INDEX ledger_shared ON ledger (request) WHERE shared = 1;
                    -- It cost a quarter of each line's writing; what it was for the sums answer.
                    DROP INDEX ledger_key_at;
                    -- Lines of an hour since 1970 that have a value, added up. Dollars and the rest of one, in pico-dollars, apart.
                    CREATE TABLE ledger_sum (
                        dimension TEXT NOT NULL,
                        hour INTEGER NOT NULL,
                        value TEXT NOT NULL,
                        requests INTEGER NOT NULL,
                        calls INTEGER NOT NULL,
                        input_tokens INTEGER NOT NULL,
                        output_tokens INTEGER NOT NULL,
                        cached_tokens INTEGER NOT NULL,
                        dollars INTEGER NOT NULL,
                        pico_dollars INTEGER NOT NULL,
                        unpriced INTEGER NOT NULL,
                        PRIMARY KEY (dimension, hour, value)
                    ) STRICT, WITHOUT ROWID;
                    -- Requests with lines in several hours, each of which counts them.
                    CREATE TABLE ledger_crossing (request INTEGER PRIMARY KEY) STRICT;
                    -- The sums hold the lines up to this one, of this hour and later.
                    CREATE TABLE ledger_sum_state (
                        id INTEGER PRIMARY KEY CHECK (id = 1),
                        last_line INTEGER NOT NULL,
                        first_hour INTEGER NOT NULL
                    ) STRICT;
                    INSERT INTO ledger_sum_state VALUES (1, 0, 0);
                    """)
        }
    }
}

extension SQLiteStore {
    /// What the sums hold.
    struct SumState {
        /// The last line that is in them.
        var lastLine: Int64
        /// The first hour of which they hold lines.
        var firstHour: Int64
        /// The last line there is.
        var newestLine: Int64

        /// Whether they hold all lines of their hours. They do not where somebody else has written: a tool, or an older
        /// version that does not know of them.
        var isWhole: Bool { self.lastLine == self.newestLine }

        /// Reads it; `nil` where the file has no sums yet.
        init?(_ database: Database) throws {
            let sql = "SELECT last_line, first_hour, (SELECT coalesce(max(id), 0) FROM ledger) FROM ledger_sum_state"
            guard try database.tableExists("ledger_sum_state"),
                let row = try Row.fetchOne(database.cachedStatement(sql: sql))
            else { return nil }
            (self.lastLine, self.firstHour, self.newestLine) = (row[0], row[1], row[2])
        }

        /// Reads it, and forgets sums that hold lines which are gone: ids are given again, so that with the next lines they
        /// would look whole.
        static func sound(_ database: Database) throws -> SumState? {
            guard let state = try SumState(database), state.lastLine > state.newestLine else {
                return try SumState(database)
            }
            try SQLiteStore.clearSums(database)
            return try SumState(database)
        }

        /// Writes how far they go.
        static func write(_ database: Database, lastLine: Int64) throws {
            try database.cachedStatement(sql: "UPDATE ledger_sum_state SET last_line = ?").execute(arguments: [lastLine]
            )
        }
    }

    // MARK: Writing

    /// Adds to the sums that are kept.
    static func write(_ sums: LedgerSums, to database: Database) throws {
        let cells = sums.cells()
        guard !cells.isEmpty || !sums.crossing.isEmpty else { return }
        var values = StatementBinder(try database.cachedStatement(sql: Self.addition), in: database)
        for cell in cells {
            let amounts = cell.amounts
            values.bind(cell.dimension.rawValue)
            values.bind(cell.hour)
            values.bind(cell.value)
            values.bind(cell.requests)
            values.bind(amounts.calls)
            values.bind(amounts.inputTokens)
            values.bind(amounts.outputTokens)
            values.bind(amounts.cachedTokens)
            values.bind(amounts.dollars)
            values.bind(amounts.picoDollars)
            values.bind(amounts.unpriced)
            try values.run()
        }
        for request in sums.crossing {
            try database.cachedStatement(sql: "INSERT OR IGNORE INTO ledger_crossing VALUES (?)")
                .execute(arguments: [request])
        }
    }

    /// Tokens saturate: a sum beyond 64 bits is a floating-point number, of which the lesser is the highest integer.
    private static let addition = """
        INSERT INTO ledger_sum VALUES (?,?,?,?,?,?,?,?,?,?,?)
        ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, calls = calls + excluded.calls,
            input_tokens = min(input_tokens + excluded.input_tokens, 9223372036854775807),
            output_tokens = min(output_tokens + excluded.output_tokens, 9223372036854775807),
            cached_tokens = min(cached_tokens + excluded.cached_tokens, 9223372036854775807),
            dollars = dollars + excluded.dollars + (pico_dollars + excluded.pico_dollars) / 1000000000000,
            pico_dollars = (pico_dollars + excluded.pico_dollars) % 1000000000000,
            unpriced = unpriced + excluded.unpriced
        """

    // MARK: The lines of one request

    /// The lines of a request that are there, of those that may have siblings.
    ///
    /// - Parameter line: Only lines before this one.
    static func siblings(
        of request: Int64, before line: Int64 = .max, in database: Database
    ) throws -> [LedgerSums.Traits] {
        try Row.fetchAll(
            database.cachedStatement(
                sql: "SELECT \(Self.traits) FROM ledger WHERE request = ? AND shared = 1 AND id < ?"),
            arguments: [request, line]
        ).map { Self.traits(of: $0) }
    }

    /// The lines of a line's request that are there before it.
    static func siblings(of line: LedgerLine, in database: Database) throws -> [LedgerSums.Traits] {
        let found = try Self.siblings(of: line.request, in: database)
        guard case .earlier(let count) = line.siblings, found.count < count else { return found }
        // One was told as having none: it ended in the moment in which this call began beside it.
        try database.cachedStatement(
            sql: "UPDATE ledger SET shared = 1 WHERE at >= ? AND request = ? AND shared = 0"
        ).execute(arguments: [line.wallMilliseconds - line.durationMilliseconds - 5_000, line.request])
        return database.changesCount > 0 ? try Self.siblings(of: line.request, in: database) : found
    }

    private static let traits =
        "at, key, tenant, team, tags, model, provider, operation, coalesce(accuracy, 'unknown'), outcome"

    private static func traits(of row: Row) -> LedgerSums.Traits {
        LedgerSums.Traits(
            hour: LedgerSums.Traits.hour(of: row[0]), key: row[1], tenant: row[2], team: row[3], tags: row[4],
            model: row[5], provider: row[6], operation: row[7], accuracy: row[8], outcome: row[9])
    }

    // MARK: Lines that somebody else has written

    /// Adds up the lines that are not in the sums: those of before there were any, and what others have written.
    ///
    /// In steps, each of which is kept: a start that is broken off goes on where it was.
    ///
    /// - Parameter step: Lines in one transaction.
    func addUpLedger(step: Int = 65_536) throws {
        guard let state = try self.queue.read({ try SumState($0) }), !state.isWhole else { return }
        try self.markShared()
        while try self.queue.write({ try Self.addUpLedger($0, step: step) }) {}
    }

    /// Marks the lines of requests that have several.
    private func markShared() throws {
        func mark() throws {
            try self.queue.write { database in
                try database.execute(
                    sql: """
                        UPDATE ledger SET shared = 1 WHERE shared = 0 AND request IN
                            (SELECT request FROM ledger GROUP BY request HAVING count(*) > 1)
                        """)
            }
        }
        func keepTemporaries(in place: String) throws {
            try self.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA temp_store = \(place)") }
        }
        // The requests of tens of millions of lines are sorted on disk, where there is a folder for it: in memory they would
        // take hundreds of megabytes.
        try keepTemporaries(in: "FILE")
        let marked = Result { try mark() }
        try keepTemporaries(in: "MEMORY")
        if case .failure = marked { try mark() }
    }

    /// Adds up the next lines.
    ///
    /// - Returns: Whether there may be more.
    private static func addUpLedger(_ database: Database, step: Int) throws -> Bool {
        guard let state = try SumState.sound(database), !state.isWhole else { return false }
        var sums = LedgerSums(firstHour: state.firstHour)
        var last = state.lastLine
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT \(Self.traits), id, request, shared, calls, coalesce(input_tokens, 0),
                    coalesce(output_tokens, 0), coalesce(cached_tokens, 0), cost_pico_usd
                FROM ledger WHERE id > ? ORDER BY id LIMIT ?
                """, arguments: [state.lastLine, step])
        while let row = try rows.next() {
            let traits = Self.traits(of: row)
            last = row[10]
            if row[12] as Int64 == 1 {
                let request: Int64 = row[11]
                sums.note(
                    try Self.siblings(of: request, before: last, in: database), of: traits, request: request)
            }
            sums.add(
                traits,
                LedgerSums.Amounts(
                    calls: row[13], input: row[14], output: row[15], cached: row[16], picoDollars: row[17]))
        }
        try Self.write(sums, to: database)
        try SumState.write(database, lastLine: last)
        return last > state.lastLine
    }

    /// Forgets all sums; they are made again from the lines at the next start.
    fileprivate static func clearSums(_ database: Database) throws {
        try database.execute(
            sql: """
                DELETE FROM ledger_sum;
                DELETE FROM ledger_crossing;
                UPDATE ledger_sum_state SET last_line = 0, first_hour = 0;
                """)
    }

    // MARK: Lines that go

    /// Lets the sums begin after the hour of a line that is gone.
    static func beginSums(after milliseconds: Int64, _ database: Database) throws {
        guard let state = try SumState(database) else { return }
        let first = LedgerSums.Traits.hour(of: milliseconds) + 1
        guard first > state.firstHour else { return }
        for dimension in LedgerSums.Dimension.allCases {
            try database.execute(
                sql: "DELETE FROM ledger_sum WHERE dimension = ? AND hour < ?", arguments: [dimension.rawValue, first])
        }
        try database.execute(sql: "UPDATE ledger_sum_state SET first_hour = ?", arguments: [first])
        try database.execute(
            sql: """
                DELETE FROM ledger_crossing WHERE NOT EXISTS
                    (SELECT 1 FROM ledger WHERE ledger.request = ledger_crossing.request AND ledger.shared = 1)
                """)
    }
}
