import GRDB
public import NeedletailCore

/// What parts of the gateway remember from one start to the next, by name. Nobody needs it to answer a request.
extension SQLiteStore {
    /// Everything whose name begins so.
    public func states(_ beginning: String) throws(NeedletailError) -> [String: String] {
        try self.read { database in
            let sql = "SELECT name, content FROM state WHERE substr(name, 1, ?) = ?"
            let rows = try Row.fetchAll(database, sql: sql, arguments: [beginning.count, beginning])
            return Dictionary(rows.map { ($0[0] as String, $0[1] as String) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Keeps a state where there is none of its name yet. The insert decides: of several processes one keeps its own.
    ///
    /// - Parameter wallSeconds: Now, in seconds since 1970.
    /// - Returns: Whether it was kept.
    public func saveIfAbsent(
        state name: String, _ content: String, wallSeconds: Int64
    ) throws(NeedletailError) -> Bool {
        try self.write { database in
            try database.execute(
                sql: "INSERT OR IGNORE INTO state (name, content, changed) VALUES (?, ?, ?)",
                arguments: [name, content, wallSeconds])
            return database.changesCount == 1
        }
    }

    /// Keeps states in the place of those of the same names, all or none.
    ///
    /// - Parameter wallSeconds: Now, in seconds since 1970.
    public func save(states: [String: String], wallSeconds: Int64) throws(NeedletailError) {
        try self.write { database in
            for (name, content) in states {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO state (name, content, changed) VALUES (?, ?, ?)",
                    arguments: [name, content, wallSeconds])
            }
        }
    }
}
