import GRDB
public import NeedletailCore

extension SQLiteStore: AuditStore {
    /// See ``AuditStore/appendAudit(_:)``.
    public func appendAudit(
        _ make: (AuditHead) -> [AuditRecord]
    ) throws(NeedletailError) -> AuditHead {
        try self.write { database in
            var head = try Self.head(database)
            let statement = try database.cachedStatement(
                sql: "INSERT INTO audit (sequence, event, previous, hash) VALUES (?, ?, ?, ?)")
            for record in make(head) {
                try statement.execute(arguments: [record.sequence, record.text, record.previous, record.hash])
                head = AuditHead(sequence: record.sequence, hash: record.hash)
            }
            try database.execute(
                sql: "INSERT OR REPLACE INTO audit_head (id, sequence, hash) VALUES (1, ?, ?)",
                arguments: [head.sequence, head.hash])
            return head
        }
    }

    /// See ``AuditStore/auditHead()``.
    public func auditHead() throws(NeedletailError) -> AuditHead {
        try self.read(Self.head)
    }

    private static func head(_ database: Database) throws -> AuditHead {
        // A file that an older version made and nobody has written to since.
        guard try database.tableExists("audit_head") else { return .none }
        return try Row.fetchOne(database, sql: "SELECT sequence, hash FROM audit_head WHERE id = 1")
            .map { AuditHead(sequence: $0[0], hash: $0[1]) } ?? .none
    }

    /// See ``AuditStore/auditRecords(after:limit:)``.
    public func auditRecords(after sequence: Int64, limit: Int) throws(NeedletailError) -> [AuditRecord] {
        try self.records("sequence > ?", [sequence], "sequence", limit)
    }

    /// See ``AuditStore/auditRecords(_:)``.
    public func auditRecords(_ question: AuditQuestion) throws(NeedletailError) -> [AuditRecord] {
        var conditions = ["1"]
        var arguments: StatementArguments = []
        // What somebody has spoilt is no JSON and fits nothing; `verify` tells of it.
        func member(_ name: String) -> String { "iif(json_valid(event), json_extract(event, '$.\(name)'), NULL)" }
        if let before = question.before {
            conditions.append("sequence < ?")
            arguments += [before]
        }
        if let actor = question.actor {
            conditions.append("\(member("actor")) = ?")
            arguments += [actor]
        }
        if let action = question.action {
            conditions.append("substr(\(member("action")), 1, length(?)) = ?")
            arguments += [action, action]
        }
        if let outcome = question.outcome {
            conditions.append("\(member("outcome")) = ?")
            arguments += [outcome.rawValue]
        }
        if let since = question.since {
            conditions.append("\(member("at")) >= ?")
            arguments += [since]
        }
        return try self.records(conditions.joined(separator: " AND "), arguments, "sequence DESC", question.limit)
    }

    private func records(
        _ condition: String, _ arguments: StatementArguments, _ order: String, _ limit: Int
    ) throws(NeedletailError) -> [AuditRecord] {
        try self.read { database in
            guard try database.tableExists("audit") else { return [] }
            let sql = "SELECT sequence, event, previous, hash FROM audit WHERE \(condition) ORDER BY \(order) LIMIT ?"
            return try Row.fetchAll(database, sql: sql, arguments: arguments + [limit]).map { row in
                AuditRecord(sequence: row[0], text: row[1], previous: row[2], hash: row[3])
            }
        }
    }
}
