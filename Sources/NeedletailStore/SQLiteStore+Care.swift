import GRDB
public import NeedletailCore

extension SQLiteStore {
    /// Looks for damage.
    ///
    /// - Parameter thoroughly: Whether indexes are compared with their tables too, which reads everything. Without it a
    ///   large file takes a second at most: beyond 1 GiB only its schema is read.
    /// - Throws: `.unavailable` with what was found first.
    public func check(thoroughly: Bool = true) throws(NeedletailError) {
        do { try Self.checkIntegrity(self.queue, thoroughly: thoroughly) } catch {
            throw Self.failure(error, self.path)
        }
    }

    static func checkIntegrity(_ queue: DatabaseQueue, thoroughly: Bool) throws {
        try queue.read { database in
            let pages = try Int.fetchOne(database, sql: "PRAGMA page_count") ?? 0
            let size = try Int.fetchOne(database, sql: "PRAGMA page_size") ?? 4_096
            if !thoroughly, pages * size > Self.quickCheckLimit {
                _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema")
                return
            }
            let pragma = thoroughly ? "integrity_check" : "quick_check"
            let said = try String.fetchAll(database, sql: "PRAGMA \(pragma)(1)")
            guard said == ["ok"] else {
                throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: said.first ?? "no answer")
            }
        }
    }

    /// `quick_check` reads some GiB a second.
    private static let quickCheckLimit = 1 << 30

    /// Copies the store as it is at one moment, while it is in use.
    ///
    /// - Parameter target: A file that is not there yet.
    public func backup(to target: String) throws(NeedletailError) {
        do {
            // Whole, without free pages, in one file; SQLite refuses a file that is there.
            try self.queue.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO ?", arguments: [target]) }
        } catch {
            throw Self.failure(error, target)
        }
    }

    /// Gives free pages back to the disk.
    public func vacuum() throws(NeedletailError) {
        do {
            try self.queue.writeWithoutTransaction { database in
                try database.execute(sql: "VACUUM")
                try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
            }
        } catch {
            throw Self.failure(error, self.path)
        }
    }
}
