import GRDB
import GRDBSQLite

/// Runs one statement very often, each time with other values. GRDB's own arguments took 35,000 instructions for the thirty
/// of a ledger line, which is twice what writing it takes.
@safe
struct StatementBinder: ~Copyable {
    /// Room for the texts of most lines.
    private static let blockBytes = 4 << 10

    private let database: Database
    private let statement: SQLiteStatement
    /// How many values have been bound.
    private var count: Int32 = 0
    /// The first fault of binding.
    private var code = SQLITE_OK
    /// The texts of one run, one behind the other: SQLite reads them where they lie and copies none, so they must not move.
    private var block: UnsafeMutableRawBufferPointer
    private var used = 0
    /// Blocks that are full, and those of texts larger than one.
    private var others: [UnsafeMutableRawBufferPointer] = unsafe []

    /// - Parameter statement: One that is not in the middle of its rows.
    init(_ statement: Statement, in database: Database) {
        self.database = database
        unsafe self.statement = statement.sqliteStatement
        unsafe self.block = .allocate(byteCount: Self.blockBytes, alignment: 1)
    }

    deinit {
        // What SQLite was given lies in memory that goes now.
        _ = unsafe sqlite3_clear_bindings(self.statement)
        unsafe self.block.deallocate()
        for index in unsafe self.others.indices { unsafe self.others[index].deallocate() }
    }

    /// Binds the next value; `nil` stands for NULL.
    mutating func bind(_ value: (some BinaryInteger)?) {
        self.count += 1
        guard let value else { return self.note(unsafe sqlite3_bind_null(self.statement, self.count)) }
        self.note(unsafe sqlite3_bind_int64(self.statement, self.count, Int64(clamping: value)))
    }

    /// Binds the next value, 0 or 1.
    mutating func bind(_ value: Bool) {
        self.bind(value ? 1 : 0)
    }

    /// Binds the next value; `nil` stands for NULL.
    mutating func bind(_ value: String?) {
        guard var value else { return self.bind(Int?.none) }
        self.count += 1
        let text = value.withUTF8 { text in unsafe self.keep(UnsafeRawBufferPointer(text)) }
        // No destructor is `SQLITE_STATIC`: the bytes stay until the statement has run.
        self.note(
            unsafe sqlite3_bind_text(
                self.statement, self.count, text.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(clamping: text.count), nil))
    }

    /// Runs the statement, which has no rows, with the values bound, and makes it ready for the next ones.
    mutating func run() throws {
        let code = self.code == SQLITE_OK ? unsafe sqlite3_step(self.statement) : self.code
        let failure =
            code == SQLITE_DONE
            ? nil : DatabaseError(resultCode: ResultCode(rawValue: code), message: self.database.lastErrorMessage)
        _ = unsafe sqlite3_reset(self.statement)
        self.code = SQLITE_OK
        self.count = 0
        self.used = 0
        while let other = unsafe self.others.popLast() { unsafe other.deallocate() }
        if let failure {
            _ = unsafe sqlite3_clear_bindings(self.statement)
            throw failure
        }
    }

    private mutating func note(_ code: Int32) {
        if code != SQLITE_OK, self.code == SQLITE_OK { self.code = code }
    }

    /// Copies a text to where it stays until the statement has run. Also an empty one has an address: none would be NULL.
    private mutating func keep(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let count = text.count
        guard count <= Self.blockBytes else {
            let own = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
            unsafe own.copyMemory(from: text)
            unsafe self.others.append(own)
            return UnsafeRawBufferPointer(own)
        }
        if count > Self.blockBytes - self.used {
            unsafe self.others.append(self.block)
            unsafe self.block = .allocate(byteCount: Self.blockBytes, alignment: 1)
            self.used = 0
        }
        let place = unsafe UnsafeMutableRawBufferPointer(rebasing: self.block[self.used..<(self.used + count)])
        unsafe place.copyMemory(from: text)
        self.used += count
        return UnsafeRawBufferPointer(place)
    }
}
