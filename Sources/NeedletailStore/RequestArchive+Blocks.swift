import GRDB

/// What blocks of requests have, so that a search need not look into those that have nothing for it.
extension RequestArchive {
    /// Requests of a block: 2¹⁰, by their numbers.
    private static let shift: Int64 = 10
    /// Blocks that are noted at a time, so that no write takes long: where an older version has written all are to be noted.
    static let blocksAtATime: Int64 = 64
    /// The longest list of names that is kept of a block; one that is longer tells nothing, and costs more than it saves.
    private static let longestList = 4_096

    static func registerBlocks(_ migrator: inout DatabaseMigrator) {
        migrator.registerMigration("2 blocks of requests") { database in
            try database.execute(
                sql: """
                    -- Of each full block its bounds and, between commas, what its requests have; nothing for too much.
                    CREATE TABLE block (
                        number INTEGER PRIMARY KEY,
                        oldest INTEGER NOT NULL,
                        newest INTEGER NOT NULL,
                        longest_ms INTEGER NOT NULL,
                        dearest_pico_usd INTEGER NOT NULL,
                        statuses TEXT,
                        keys TEXT,
                        models TEXT,
                        called TEXT
                    ) STRICT;
                    """)
        }
    }

    /// The block of a number.
    static func block(of number: Int64) -> Int64 { number >> Self.shift }

    /// From block to request, never the other way.
    static let requestsOfBlocks = """
        block CROSS JOIN request ON request.number
            BETWEEN block.number << \(shift) AND (block.number << \(shift)) + \((1 << shift) - 1)
        """

    /// The first number of which no block tells. Blocks are noted in their order.
    static func summarized(_ database: Database) throws -> Int64 {
        let statement = try database.cachedStatement(sql: "SELECT coalesce(max(number) + 1, 0) FROM block")
        return (try Int64.fetchOne(statement) ?? 0) << Self.shift
    }

    /// Notes what the next blocks have that are full.
    static func summarizeNext(_ database: Database) throws {
        let newest = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT coalesce(max(number), 0) FROM request"))
        // Numbers may be left out, and blocks may be gone.
        let next = try Int64.fetchOne(
            database.cachedStatement(sql: "SELECT min(number) FROM request WHERE number >= ?"),
            arguments: [try Self.summarized(database)])
        guard let newest, let next else { return }
        let (first, full) = (Self.block(of: next), Self.block(of: newest))
        if first < full { try Self.summarize(database, first..<min(full, first + Self.blocksAtATime)) }
    }

    /// Notes what some blocks have.
    static func summarize(_ database: Database, _ blocks: Range<Int64>) throws {
        func list(_ columns: String...) -> String {
            let list =
                "',' || "
                + columns.map { "coalesce(group_concat(DISTINCT \($0)), '') || ','" }.joined(separator: " || ")
            return "CASE WHEN length(\(list)) <= \(Self.longestList) THEN \(list) END"
        }
        let sql = """
            INSERT OR REPLACE INTO block
            SELECT number >> \(Self.shift), min(at), max(at), max(duration_ms), max(coalesce(cost_pico_usd, 0)),
                \(list("status")), \(list("key")), \(list("model", "answered")), \(list("called"))
            FROM request WHERE number >= ? AND number < ? GROUP BY 1
            """
        try database.cachedStatement(sql: sql).execute(
            arguments: [blocks.lowerBound << Self.shift, blocks.upperBound << Self.shift])
    }
}
