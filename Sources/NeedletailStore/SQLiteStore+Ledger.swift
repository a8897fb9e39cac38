import GRDB
public import NeedletailCore

extension SQLiteStore: LedgerStore {
    /// See ``LedgerStore/append(_:booking:)``.
    public func append(_ lines: [LedgerLine], booking changes: [BudgetChange]) throws(NeedletailError) {
        guard !lines.isEmpty || !changes.isEmpty else { return }
        try self.write { database in
            let statement = try database.cachedStatement(sql: Self.insert)
            var values = StatementBinder(statement, in: database)
            for line in lines {
                Self.bind(line, to: &values)
                try values.run()
            }
            values.finish()
            for change in changes { try Self.change(database, change) }
        }
    }

    private static let insert = """
        INSERT INTO ledger (
            at, request_id, request, key, tenant, user, provider, model, operation, attempt, cause,
            input_tokens, output_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
            searches, service_tier, cost_pico_usd, accuracy, over_hold, price_version, duration_ms, first_token_ms,
            outcome, error, calls, team, tags, lost
        ) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
        """

    /// The values in the order of the columns above.
    private static func bind(_ line: LedgerLine, to values: inout StatementBinder) {
        let usage = line.usage
        values.bind(line.wallMilliseconds)
        values.bind(line.requestID)
        values.bind(line.request)
        values.bind(line.key)
        values.bind(line.tenant)
        values.bind(line.user)
        values.bind(line.provider)
        values.bind(line.model)
        values.bind(line.operation)
        values.bind(line.attempt)
        values.bind(line.cause)
        values.bind(usage?.inputTokens)
        values.bind(usage?.outputTokens)
        values.bind(usage?.cachedInputTokens)
        values.bind(usage?.cacheWriteTokens)
        values.bind(usage?.cacheWrite1hTokens)
        values.bind(usage?.reasoningTokens)
        values.bind(usage?.webSearches)
        values.bind(usage?.serviceTier?.rawValue)
        values.bind(line.cost.map { Int64(clamping: $0.amount.picodollars) })
        values.bind(line.cost?.accuracy.rawValue)
        values.bind(line.isOverHold)
        values.bind(line.priceVersion)
        values.bind(line.durationMilliseconds)
        values.bind(line.firstTokenMilliseconds)
        values.bind(line.outcome)
        values.bind(line.error)
        values.bind(line.calls)
        values.bind(line.team)
        values.bind(Self.array(line.tags))
        values.bind(line.lost.joined(separator: ","))
    }

    /// Tags as JSON; they hold neither quotes nor backslashes, but what does is left out rather than believed.
    private static func array(_ tags: [String]) -> String {
        guard !tags.isEmpty else { return "" }
        let sound = tags.filter { !$0.contains { $0 == "\"" || $0 == "\\" || $0.isNewline } }
        return sound.isEmpty ? "" : "[\"" + sound.joined(separator: "\",\"") + "\"]"
    }

    /// See ``LedgerStore/removeLines(before:atMost:)``.
    public func removeLines(before moment: Int64, atMost count: Int) throws(NeedletailError) -> Int {
        try self.write { database in
            try database.execute(
                sql: "DELETE FROM ledger WHERE id IN (SELECT id FROM ledger WHERE at < ? ORDER BY at LIMIT ?)",
                arguments: [moment, count])
            return database.changesCount
        }
    }

    /// See ``LedgerStore/costs(_:)``.
    public func costs(_ question: CostQuestion) throws(NeedletailError) -> CostReport {
        let (filter, arguments) = Self.filter(question)
        let columns = question.dimensions.map(Self.column)
        let group = columns.isEmpty ? "" : " GROUP BY " + columns.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        // A line with several tags stands in a row of each.
        let lines = question.dimensions.contains(.tag) ? Self.taggedLines : "ledger"
        return try self.read { database in
            let rows = try Row.fetchAll(
                database,
                sql: "SELECT \((columns + [Self.sums]).joined(separator: ", ")) FROM \(lines)\(filter)\(group)",
                arguments: arguments
            ).map { Self.row($0, dimensions: columns.count) }
            var total = rows.reduce(into: CostReport.Row()) { $0.add($1) }
            if question.dimensions.contains(.tag) {
                // A line with several tags was added as often.
                let row = try Row.fetchOne(
                    database, sql: "SELECT \(Self.sums) FROM ledger\(filter)", arguments: arguments)
                total = row.map { Self.row($0, dimensions: 0) } ?? total
            } else if !Self.ofRequests.isSuperset(of: question.dimensions) {
                // As was a request with calls in several rows.
                total.requests =
                    try Int.fetchOne(
                        database, sql: "SELECT \(Self.requests) FROM ledger\(filter)", arguments: arguments) ?? 0
            }
            return CostReport(
                dimensions: question.dimensions,
                rows: columns.isEmpty
                    ? [] : rows.sorted { ($1.cost, $0.values.first ?? "") < ($0.cost, $1.values.first ?? "") },
                total: total)
        }
    }

    /// What is the same for all calls of a request.
    private static let ofRequests: Set<CostQuestion.Dimension> = [.key, .tenant, .team, .user]

    private static let taggedLines =
        "ledger LEFT JOIN json_each(CASE ledger.tags WHEN '' THEN '[\"\"]' ELSE ledger.tags END) AS one"

    /// How the store would look for what a question asks, in SQLite's words: for tests.
    package func plan(_ question: CostQuestion) throws(NeedletailError) -> String {
        let (filter, arguments) = Self.filter(question)
        let columns = question.dimensions.map(Self.column)
        let group = columns.isEmpty ? "" : " GROUP BY " + columns.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        let wanted = (columns + [Self.sums]).joined(separator: ", ")
        return try self.read { database in
            try Row.fetchAll(
                database, sql: "EXPLAIN QUERY PLAN SELECT \(wanted) FROM ledger\(filter)\(group)",
                arguments: arguments
            ).map { $0["detail"] as String? ?? "" }.joined(separator: "; ")
        }
    }

    private static func filter(_ question: CostQuestion) -> (sql: String, arguments: StatementArguments) {
        var conditions: [String] = []
        var arguments: StatementArguments = []
        for (sql, value) in [
            ("ledger.at >= ?", question.since?.databaseValue), ("ledger.at < ?", question.until?.databaseValue),
            ("ledger.key = ?", question.key?.databaseValue),
        ] {
            guard let value else { continue }
            conditions.append(sql)
            arguments += [value]
        }
        return (conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND "), arguments)
    }

    /// Lines that stand for several calls stand for as many requests.
    private static let requests = "coalesce(count(DISTINCT request) + sum(calls) - count(*), 0)"

    /// Sums that cannot overflow: dollars and the rest of a dollar apart.
    private static let sums = """
        \(requests), sum(calls), sum(coalesce(input_tokens, 0)), sum(coalesce(output_tokens, 0)), \
        sum(coalesce(cached_tokens, 0)), sum(cost_pico_usd / 1000000000000), sum(cost_pico_usd % 1000000000000), \
        sum(CASE WHEN cost_pico_usd IS NULL THEN calls ELSE 0 END)
        """

    private static func column(_ dimension: CostQuestion.Dimension) -> String {
        switch dimension {
        case .day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')"
        case .accuracy: "coalesce(accuracy, 'unknown')"
        case .tag: "one.value"
        // Not by the index of keys, whose order is dearer to follow than it is to sort what the filter leaves.
        default: "+ledger." + dimension.rawValue
        }
    }

    private static func row(_ row: Row, dimensions: Int) -> CostReport.Row {
        func int(_ index: Int) -> Int { row[dimensions + index] as Int? ?? 0 }
        return CostReport.Row(
            values: (0..<dimensions).map { row[$0] as String? ?? "" },
            requests: int(0), calls: int(1), inputTokens: int(2), outputTokens: int(3), cachedInputTokens: int(4),
            cost: Money(picodollars: Int128(int(5)) * 1_000_000_000_000 + Int128(int(6))), unpriced: int(7))
    }
}

extension CostReport.Row {
    /// Adds what another row counts; what they are told apart by stays.
    fileprivate mutating func add(_ other: Self) {
        self.requests += other.requests
        self.calls += other.calls
        self.inputTokens += other.inputTokens
        self.outputTokens += other.outputTokens
        self.cachedInputTokens += other.cachedInputTokens
        self.cost += other.cost
        self.unpriced += other.unpriced
    }
}
