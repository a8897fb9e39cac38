import GRDB
public import NeedletailCore

extension SQLiteStore: BudgetAuthority {
    /// See ``BudgetAuthority/grant(_:)``.
    public func grant(_ requests: [BudgetGrantRequest]) throws(NeedletailError) -> BudgetGrant {
        try self.write { database in
            var blocks: [BudgetBlock] = []
            for (index, request) in requests.enumerated() {
                var left = request.limit
                for balance in try Self.balances(database, request.slot.counter, since: request.since) {
                    left -= balance.spent + balance.leased
                }
                guard left >= request.least else { return .refused(index: index, left: max(0, left)) }
                let amount = min(left, max(request.least, request.preferred))
                blocks.append(BudgetBlock(amount: amount, left: left - amount))
            }
            for (request, block) in zip(requests, blocks) {
                try Self.change(database, BudgetChange(slot: request.slot, spent: 0, leased: block.amount))
            }
            return .granted(blocks)
        }
    }

    /// See ``BudgetAuthority/book(_:)``.
    public func book(_ changes: [BudgetChange]) throws(NeedletailError) {
        guard !changes.isEmpty else { return }
        try self.write { database in
            for change in changes { try Self.change(database, change) }
        }
    }

    /// Every count that has begun since a moment, in seconds since 1970, of one counter or all.
    public func balances(counter: String? = nil, since: Int64 = .min) throws(NeedletailError) -> [BudgetBalance] {
        try self.read { try Self.balances($0, counter, since: since) }
    }

    /// Forgets all counts of a counter: its budget is whole again.
    public func reset(counter: String) throws(NeedletailError) {
        try self.write { try $0.execute(sql: "DELETE FROM budget WHERE counter = ?", arguments: [counter]) }
    }

    /// Forgets counts that began before a moment, in seconds since 1970, and can no longer matter.
    public func removeBalances(before start: Int64) throws(NeedletailError) {
        // A count without an end begins at 0.
        try self.write { try $0.execute(sql: "DELETE FROM budget WHERE slot > 0 AND slot < ?", arguments: [start]) }
    }

    private static func balances(_ database: Database, _ counter: String?, since: Int64) throws -> [BudgetBalance] {
        let filter = counter == nil ? "" : "counter = ? AND "
        let arguments: StatementArguments = counter.map { [$0, since] } ?? [since]
        let sql = "SELECT counter, slot, spent, leased FROM budget WHERE \(filter)slot >= ? ORDER BY counter, slot"
        return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
            BudgetBalance(
                slot: BudgetSlot(counter: row[0], start: row[1]), spent: try Self.amount(row[2]),
                leased: try Self.amount(row[3]))
        }
    }

    static func change(_ database: Database, _ change: BudgetChange) throws {
        let slot: StatementArguments = [change.slot.counter, change.slot.start]
        let old = try Row.fetchOne(
            database.cachedStatement(sql: "SELECT spent, leased FROM budget WHERE counter = ? AND slot = ?"),
            arguments: slot)
        let spent = try old.map { try Self.amount($0[0]) } ?? 0
        let leased = try old.map { try Self.amount($0[1]) } ?? 0
        try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO budget (counter, slot, spent, leased) VALUES (?, ?, ?, ?)"
        ).execute(
            arguments: slot + [String(spent + change.spent), String(max(0, leased + change.leased))])
    }

    private static func amount(_ text: String) throws -> Int128 {
        guard let amount = Int128(text) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a budget's amount is no number")
        }
        return amount
    }
}
