import GRDB
public import NeedletailCore

/// One SQLite file: the store of a gateway that has not outgrown one machine.
///
/// One connection, used by one thread at a time; the file may be read by other processes meanwhile (WAL).
public final class SQLiteStore: Sendable {
    /// How it is opened.
    public enum Mode: Sendable {
        /// To read and write; created where it is not there.
        case write
        /// Only to read; must be there.
        case read
    }

    let queue: DatabaseQueue
    /// The file.
    public let path: String

    /// Opens the file, checks it, and brings its schema and the sums of its ledger up to date.
    ///
    /// - Parameters:
    ///   - isChecked: Whether damage is looked for, which reads the file; who only asks something need not.
    ///   - isPatient: Whether some seconds are waited for a lock that another process holds.
    /// - Throws: `.unavailable`, with words for the operator, when the file cannot be opened, is corrupt, or was made by a
    ///   newer version.
    public init(
        path: String, mode: Mode = .write, isChecked: Bool = true, isPatient: Bool = true
    ) throws(NeedletailError) {
        self.path = path
        var configuration = GRDB.Configuration()
        configuration.readonly = mode == .read
        // Another process may hold the write lock for the length of one batch; longer is a fault that is told.
        configuration.busyMode = isPatient ? .timeout(5) : .immediateError
        configuration.prepareDatabase { database in
            if mode == .write { try Self.apply(to: database) }
            // Temporary tables and sorts stay in memory: no file beside the database's own is written.
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        do {
            self.queue = try DatabaseQueue(path: path, configuration: configuration)
            if isChecked { try Self.checkIntegrity(self.queue, thoroughly: false) }
            if mode == .write {
                try Schema.migrator.migrate(self.queue)
                try self.addUpLedger()
            }
            guard try self.queue.read({ try Schema.migrator.hasBeenSuperseded($0) }) == false else {
                throw NeedletailError(
                    .unavailable, "The store \(path) was made by a newer version; run that one, or name another file.")
            }
        } catch {
            throw Self.failure(error, path)
        }
    }

    private static func apply(to database: Database) throws {
        // Readers do not wait for the writer, and a commit is one append.
        try database.execute(sql: "PRAGMA journal_mode = WAL")
        // A commit survives the end of the process at any point; it may be lost with the machine's power, together with
        // the newest others, but never tears the file (https://www.sqlite.org/pragma.html#pragma_synchronous).
        try database.execute(sql: "PRAGMA synchronous = NORMAL")
        // The log is folded into the file every 4 MiB, and cut back after.
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 1024")
        try database.execute(sql: "PRAGMA journal_size_limit = 16777216")
        // Deleted secrets are overwritten.
        try database.execute(sql: "PRAGMA secure_delete = FAST")
        try database.execute(sql: "PRAGMA foreign_keys = ON")
    }

    /// Runs a transaction that writes.
    func write<Result>(_ body: (Database) throws -> Result) throws(NeedletailError) -> Result {
        do { return try self.queue.write(body) } catch { throw Self.failure(error, self.path) }
    }

    /// Runs a transaction that reads.
    func read<Result>(_ body: (Database) throws -> Result) throws(NeedletailError) -> Result {
        do { return try self.queue.read(body) } catch { throw Self.failure(error, self.path) }
    }

    /// What an error of SQLite's means to the operator.
    static func failure(_ error: any Error, _ path: String) -> NeedletailError {
        if let error = error as? NeedletailError { return error }
        guard let error = error as? DatabaseError else {
            return NeedletailError(.unavailable, "The store \(path) cannot be used.", cause: error)
        }
        let reason =
            switch error.resultCode {
            case .SQLITE_FULL: "the disk is full; make room, what is waiting is written then"
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another process holds it; stop that process"
            case .SQLITE_CORRUPT: "it is damaged; restore a backup, or move it away to begin a new one"
            case .SQLITE_NOTADB: "it is no database; name another file, or move it away"
            case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                "it may not be written; give the gateway's user the right to"
            case .SQLITE_CANTOPEN: "it cannot be opened; see that its folder is there and may be written"
            case .SQLITE_IOERR: "the disk fails; see the system's log"
            default: "SQLite says: \(error.message ?? "\(error.resultCode)")"
            }
        return NeedletailError(.unavailable, "The store \(path) cannot be used: \(reason).", cause: error)
    }
}
