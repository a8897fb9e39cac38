import GRDB
import GRDBSQLite

/// Runs one statement very often, each time with other values. GRDB's own arguments took 35,000 instructions for the thirty
/// of a ledger line, which is twice what writing it takes.
@safe
struct StatementBinder: ~Copyable {
    private enum Value {
        case null
        case integer(Int64)
        /// A part of ``texts``.
        case text(Range<Int>)
    }

    private let database: Database
    private let statement: SQLiteStatement
    private var values: [Value] = []
    /// The texts of one run, one behind the other: SQLite reads them where they lie and copies none.
    private var texts: [UInt8] = []

    /// - Parameter statement: One that is not in the middle of its rows.
    init(_ statement: Statement, in database: Database) {
        self.database = database
        unsafe self.statement = statement.sqliteStatement
    }

    /// Takes the next value; `nil` stands for NULL.
    mutating func bind(_ value: (some BinaryInteger)?) {
        self.values.append(value.map { .integer(Int64(clamping: $0)) } ?? .null)
    }

    /// Takes the next value, 0 or 1.
    mutating func bind(_ value: Bool) {
        self.values.append(.integer(value ? 1 : 0))
    }

    /// Takes the next value; `nil` stands for NULL.
    mutating func bind(_ value: String?) {
        guard let value else { return self.values.append(.null) }
        let start = self.texts.count
        self.texts.append(contentsOf: value.utf8)
        self.values.append(.text(start..<self.texts.count))
    }

    /// Runs the statement, which has no rows, with the values taken, and makes it ready for the next ones.
    mutating func run() throws {
        let code = unsafe self.texts.withUnsafeBytes { texts in unsafe self.step(texts) }
        let failure =
            code == SQLITE_DONE
            ? nil : DatabaseError(resultCode: ResultCode(rawValue: code), message: self.database.lastErrorMessage)
        _ = unsafe sqlite3_reset(self.statement)
        self.values.removeAll(keepingCapacity: true)
        self.texts.removeAll(keepingCapacity: true)
        if let failure {
            _ = unsafe sqlite3_clear_bindings(self.statement)
            throw failure
        }
    }

    /// Forgets the values: what SQLite was given lies in memory that is about to go.
    consuming func finish() {
        _ = unsafe sqlite3_clear_bindings(self.statement)
    }

    private func step(_ texts: UnsafeRawBufferPointer) -> Int32 {
        for (place, value) in self.values.enumerated() {
            let place = Int32(truncatingIfNeeded: place + 1)
            let code =
                switch value {
                case .null: unsafe sqlite3_bind_null(self.statement, place)
                case .integer(let integer): unsafe sqlite3_bind_int64(self.statement, place, integer)
                case .text(let range): unsafe self.bind(UnsafeRawBufferPointer(rebasing: texts[range]), at: place)
                }
            guard code == SQLITE_OK else { return code }
        }
        return unsafe sqlite3_step(self.statement)
    }

    private func bind(_ text: UnsafeRawBufferPointer, at place: Int32) -> Int32 {
        // No destructor is `SQLITE_STATIC`: the bytes stay until the statement has run. Without an address it would be NULL.
        guard let start = text.baseAddress, unsafe !text.isEmpty else {
            return unsafe sqlite3_bind_text(self.statement, place, "", 0, nil)
        }
        return unsafe sqlite3_bind_text(
            self.statement, place, start.assumingMemoryBound(to: CChar.self), Int32(clamping: text.count), nil)
    }
}
