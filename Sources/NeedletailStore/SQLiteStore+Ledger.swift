import GRDB
public import NeedletailCore

extension SQLiteStore: LedgerStore {
    /// See ``LedgerStore/append(_:booking:)``.
    public func append(_ lines: [LedgerLine], booking changes: [BudgetChange]) throws(NeedletailError) {
        guard !lines.isEmpty || !changes.isEmpty else { return }
        try self.write { database in
            // Of somebody else's lines the sums know nothing: what is behind catches up at the next start.
            let state = try SumState.sound(database).flatMap { $0.isWhole ? $0 : nil }
            var sums = LedgerSums(firstHour: state?.firstHour ?? .max)
            let statement = try database.cachedStatement(sql: Self.insert)
            var values = StatementBinder(statement, in: database)
            // By their places: a line of its own would be a copy of thirty values.
            for place in lines.indices {
                let tags = LedgerSums.array(lines[place].tags)
                let traits = Self.traits(of: lines[place], tags: tags)
                switch lines[place].siblings {
                case .none, .later: break
                case .unknown, .earlier:
                    let siblings = try Self.siblings(of: lines[place], in: database)
                    sums.note(siblings, of: traits, request: lines[place].request)
                }
                Self.bind(lines[place], tags: tags, to: &values)
                try values.run()
                sums.add(traits, Self.amounts(of: lines[place]))
            }
            if state != nil, !lines.isEmpty {
                let newest = database.lastInsertedRowID
                try Self.write(sums, to: database)
                try SumState.write(database, lastLine: newest)
            }
            for change in changes { try Self.change(database, change) }
        }
    }

    private static func traits(of line: LedgerLine, tags: String) -> LedgerSums.Traits {
        LedgerSums.Traits(
            hour: LedgerSums.Traits.hour(of: line.wallMilliseconds), key: line.key, tenant: line.tenant,
            team: line.team,
            tags: tags, model: line.model, provider: line.provider, operation: line.operation,
            accuracy: line.cost?.accuracy.rawValue ?? "unknown", outcome: line.outcome)
    }

    private static func amounts(of line: LedgerLine) -> LedgerSums.Amounts {
        func count(_ tokens: Int?) -> Int64 { Int64(tokens ?? 0) }
        return LedgerSums.Amounts(
            calls: Int64(line.calls), input: count(line.usage?.inputTokens), output: count(line.usage?.outputTokens),
            cached: count(line.usage?.cachedInputTokens),
            picoDollars: line.cost.map { Int64(clamping: $0.amount.picodollars) })
    }

    private static let insert = """
        INSERT INTO ledger (
            at, request_id, request, key, tenant, user, provider, model, operation, attempt, cause,
            input_tokens, output_tokens, cached_tokens, cache_write_tokens, cache_write_1h_tokens, reasoning_tokens,
            searches, service_tier, cost_pico_usd, accuracy, over_hold, price_version, duration_ms, first_token_ms,
            outcome, error, calls, team, tags, lost, shared
        ) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)
        """

    /// The values in the order of the columns above.
    private static func bind(_ line: LedgerLine, tags: String, to values: inout StatementBinder) {
        let usage = line.usage
        func tokens(_ count: Int?) -> Int64? { count.map { min(Int64($0), LedgerSums.Amounts.mostTokens) } }
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
        values.bind(tokens(usage?.inputTokens))
        values.bind(tokens(usage?.outputTokens))
        values.bind(tokens(usage?.cachedInputTokens))
        values.bind(tokens(usage?.cacheWriteTokens))
        values.bind(tokens(usage?.cacheWrite1hTokens))
        values.bind(tokens(usage?.reasoningTokens))
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
        values.bind(tags)
        values.bind(line.lost.joined(separator: ","))
        values.bind(line.siblings != .none)
    }

    /// See ``LedgerStore/removeLines(before:atMost:)``.
    public func removeLines(before moment: Int64, atMost count: Int) throws(NeedletailError) -> Int {
        try self.write { database in
            let oldest = "FROM ledger WHERE at < ? ORDER BY at LIMIT ?"
            let last = try Int64.fetchOne(
                database, sql: "SELECT max(at) FROM (SELECT at \(oldest))", arguments: [moment, count])
            guard let last else { return 0 }
            let state = try SumState.sound(database)
            try database.execute(
                sql: "DELETE FROM ledger WHERE id IN (SELECT id \(oldest))", arguments: [moment, count])
            let removed = database.changesCount
            try Self.beginSums(after: last, database)
            // The newest may be among them, where the clock went back.
            if state?.isWhole == true, let newest = try SumState(database)?.newestLine {
                try SumState.write(database, lastLine: newest)
            }
            return removed
        }
    }
}
