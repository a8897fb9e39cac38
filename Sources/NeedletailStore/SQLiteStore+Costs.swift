import GRDB
public import NeedletailCore

extension SQLiteStore {
    /// See ``LedgerStore/costs(_:)``.
    public func costs(_ question: CostQuestion) throws(NeedletailError) -> CostReport {
        try self.read { try Self.costs($0, question, areSumsUsed: true) }
    }

    /// The same from the lines alone: for tests, and to see whether the sums are right.
    package func costsOfLines(_ question: CostQuestion) throws(NeedletailError) -> CostReport {
        try self.read { try Self.costs($0, question, areSumsUsed: false) }
    }

    private static func costs(
        _ database: Database, _ question: CostQuestion, areSumsUsed: Bool
    ) throws -> CostReport {
        var all = question
        all.dimensions = []
        func rows(_ question: CostQuestion) throws -> [CostReport.Row] {
            if areSumsUsed, let rows = try Self.sums(database, question) { return rows }
            return try Self.lines(database, question)
        }
        var total = CostReport.Row()
        // A request with calls in several rows counts once, and so does a line with several tags.
        if let row = try rows(all).first { total = row }
        return CostReport(
            dimensions: question.dimensions,
            rows: question.dimensions.isEmpty
                ? []
                : try rows(question).sorted {
                    $0.cost != $1.cost ? $0.cost > $1.cost : $0.values.lexicographicallyPrecedes($1.values)
                },
            total: total)
    }

    // MARK: From the lines

    /// Adds up lines.
    private static func lines(_ database: Database, _ question: CostQuestion) throws -> [CostReport.Row] {
        let (sql, arguments) = Self.query(question)
        return try Row.fetchAll(database, sql: sql, arguments: arguments)
            .map { Self.row($0, dimensions: question.dimensions.count) }
    }

    /// How the store would look for what a question asks of the lines, in SQLite's words: for tests.
    package func plan(_ question: CostQuestion) throws(NeedletailError) -> String {
        let (sql, arguments) = Self.query(question)
        return try self.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments)
                .map { $0["detail"] as String? ?? "" }.joined(separator: "; ")
        }
    }

    private static func query(_ question: CostQuestion) -> (sql: String, arguments: StatementArguments) {
        let (filter, arguments) = Self.filter(question)
        let columns = question.dimensions.map(Self.column)
        let group = columns.isEmpty ? "" : " GROUP BY " + columns.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        let wanted = (columns + [Self.sums]).joined(separator: ", ")
        return ("SELECT \(wanted) FROM \(Self.table(question))\(filter)\(group)", arguments)
    }

    /// A line with several tags stands in a row of each.
    private static func table(_ question: CostQuestion) -> String {
        guard question.dimensions.contains(.tag) else { return "ledger" }
        return "ledger LEFT JOIN json_each(CASE ledger.tags WHEN '' THEN '[\"\"]' ELSE ledger.tags END) AS one"
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

    /// Sums that cannot overflow: dollars and the rest of a dollar apart. Lines that stand for several calls stand for as
    /// many requests.
    private static let sums = """
        coalesce(count(DISTINCT request) + sum(calls) - count(*), 0), sum(calls), \
        \(SQLiteStore.tokens("min(coalesce(input_tokens, 0), \(LedgerSums.Amounts.mostTokens))")), \
        \(SQLiteStore.tokens("min(coalesce(output_tokens, 0), \(LedgerSums.Amounts.mostTokens))")), \
        \(SQLiteStore.tokens("min(coalesce(cached_tokens, 0), \(LedgerSums.Amounts.mostTokens))")), \
        sum(cost_pico_usd / 1000000000000), \
        sum(cost_pico_usd % 1000000000000), sum(CASE WHEN cost_pico_usd IS NULL THEN calls ELSE 0 END)
        """

    /// A sum that is exact and saturates: `sum` fails where it overflows, `+` gives a floating-point number, of which the
    /// lesser is the highest integer.
    private static func tokens(_ column: String) -> String {
        "min(sum((\(column)) >> 32) * 4294967296 + sum((\(column)) & 4294967295), 9223372036854775807)"
    }

    private static func column(_ dimension: CostQuestion.Dimension) -> String {
        switch dimension {
        case .day: "strftime('%Y-%m-%d', at / 1000, 'unixepoch')"
        case .accuracy: "coalesce(accuracy, 'unknown')"
        case .tag: "one.value"
        default: "ledger." + dimension.rawValue
        }
    }

    private static func row(_ row: Row, dimensions: Int) -> CostReport.Row {
        func int(_ index: Int) -> Int { row[dimensions + index] as Int? ?? 0 }
        return CostReport.Row(
            values: (0..<dimensions).map { row[$0] as String? ?? "" },
            requests: int(0), calls: int(1), inputTokens: int(2), outputTokens: int(3), cachedInputTokens: int(4),
            cost: Money(picodollars: Int128(int(5)) * 1_000_000_000_000 + Int128(int(6))), unpriced: int(7))
    }

    // MARK: From the sums

    /// Answers from the sums of whole hours, and from the lines of what is left at both ends; `nil` where only the lines
    /// know.
    private static func sums(_ database: Database, _ question: CostQuestion) throws -> [CostReport.Row]? {
        guard let dimension = Self.dimension(question), let state = try SumState(database), state.isWhole,
            let hours = Self.hours(question, from: state.firstHour)
        else { return nil }
        var rows = MergedRows()
        rows.add(try Self.sums(database, question, dimension, hours))
        var first = question
        first.until = hours.lowerBound * LedgerSums.hour
        if first.since.map({ $0 < hours.lowerBound * LedgerSums.hour }) ?? true {
            rows.add(try Self.lines(database, first))
        }
        if let until = question.until, hours.upperBound * LedgerSums.hour < until {
            var last = question
            last.since = hours.upperBound * LedgerSums.hour
            rows.add(try Self.lines(database, last))
        }
        for (values, surplus) in try Self.crossing(database, question, hours) {
            rows.countOnce(values, surplus: surplus)
        }
        return rows.rows
    }

    /// The dimension whose sums answer a question; `nil` for none.
    private static func dimension(_ question: CostQuestion) -> LedgerSums.Dimension? {
        let dimensions = question.dimensions.filter { $0 != .day }
        guard dimensions.count <= 1, question.dimensions.count - dimensions.count <= 1 else { return nil }
        guard let one = dimensions.first else { return question.key == nil ? .all : .key }
        // Sums of another dimension do not know of keys.
        return question.key == nil || one == .key ? LedgerSums.Dimension(one) : nil
    }

    /// The hours that lie in a question's time as a whole, and of which there are sums; `nil` for none.
    private static func hours(_ question: CostQuestion, from first: Int64) -> Range<Int64>? {
        let last = Int64.max / LedgerSums.hour
        let since = max(0, question.since ?? 0)
        let lower = max(first, since / LedgerSums.hour + (since % LedgerSums.hour > 0 ? 1 : 0))
        let upper = question.until.map { max(0, $0) / LedgerSums.hour } ?? last
        return lower < min(upper, last) ? lower..<upper : nil
    }

    private static func sums(
        _ database: Database, _ question: CostQuestion, _ dimension: LedgerSums.Dimension, _ hours: Range<Int64>
    ) throws -> [CostReport.Row] {
        let columns = question.dimensions.map { one in
            one == .day ? "strftime('%Y-%m-%d', hour * 3600, 'unixepoch')" : "value"
        }
        let group = columns.isEmpty ? "" : " GROUP BY " + columns.indices.map { "\($0 + 1)" }.joined(separator: ", ")
        let sums = [
            "sum(requests)", "sum(calls)", Self.tokens("input_tokens"), Self.tokens("output_tokens"),
            Self.tokens("cached_tokens"), "sum(dollars)", "sum(pico_dollars)", "sum(unpriced)",
        ]
        var arguments: StatementArguments = [dimension.rawValue, hours.lowerBound, hours.upperBound]
        if let key = question.key { arguments += [key] }
        return try Row.fetchAll(
            database,
            sql: """
                SELECT \((columns + sums).joined(separator: ", ")) FROM ledger_sum
                WHERE dimension = ? AND hour >= ? AND hour < ?\(question.key == nil ? "" : " AND value = ?")\(group)
                """, arguments: arguments
        ).map { Self.row($0, dimensions: columns.count) }
    }

    /// How often requests are counted too often, since they have lines in several of the parts that were added up.
    private static func crossing(
        _ database: Database, _ question: CostQuestion, _ hours: Range<Int64>
    ) throws -> [([String], Int)] {
        let (filter, arguments) = Self.filter(question)
        let columns = question.dimensions.map(Self.column)
        let part = """
            CASE WHEN ledger.at < \(hours.lowerBound * LedgerSums.hour) THEN -1
                WHEN ledger.at >= \(hours.upperBound * LedgerSums.hour) THEN -2 ELSE ledger.at / \(LedgerSums.hour) END
            """
        let group = (columns + ["ledger.request"]).indices.map { "\($0 + 1)" }.joined(separator: ", ")
        // From the few that cross to their lines, never the other way.
        return try Row.fetchAll(
            database,
            sql: """
                SELECT \((columns + ["ledger.request", "count(DISTINCT \(part)) - 1"]).joined(separator: ", "))
                FROM ledger_crossing AS crossing
                    CROSS JOIN \(Self.table(question))
                \(filter.isEmpty ? " WHERE" : filter + " AND") ledger.request = crossing.request AND ledger.shared = 1
                GROUP BY \(group)
                """, arguments: arguments
        ).map { row in
            ((0..<columns.count).map { row[$0] as String? ?? "" }, row[columns.count + 1])
        }
    }
}

/// Rows that were added up in parts. Values are alike if their bytes are, as for the store.
private struct MergedRows {
    private var places: [[[UInt8]]: Int] = [:]
    private(set) var rows: [CostReport.Row] = []

    mutating func add(_ more: [CostReport.Row]) {
        for row in more {
            if let place = self.places[Self.bytes(row.values)] {
                self.rows[place].add(row)
            } else {
                self.places[Self.bytes(row.values)] = self.rows.count
                self.rows.append(row)
            }
        }
    }

    /// Takes back what was counted too often.
    mutating func countOnce(_ values: [String], surplus: Int) {
        guard let place = self.places[Self.bytes(values)] else { return }
        self.rows[place].requests -= surplus
    }

    private static func bytes(_ values: [String]) -> [[UInt8]] { values.map { Array($0.utf8) } }
}

extension CostReport.Row {
    /// Adds what another row counts; what they are told apart by stays.
    fileprivate mutating func add(_ other: Self) {
        self.requests += other.requests
        self.calls += other.calls
        func sum(_ a: Int, _ b: Int) -> Int {
            let (sum, isOver) = a.addingReportingOverflow(b)
            return isOver ? .max : sum
        }
        self.inputTokens = sum(self.inputTokens, other.inputTokens)
        self.outputTokens = sum(self.outputTokens, other.outputTokens)
        self.cachedInputTokens = sum(self.cachedInputTokens, other.cachedInputTokens)
        self.cost += other.cost
        self.unpriced += other.unpriced
    }
}
