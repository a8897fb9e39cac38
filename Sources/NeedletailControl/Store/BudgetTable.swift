import NIOCore
public import NeedletailCore
public import NeedletailRouting

/// Budgets and their counts, written for people and for programs.
public struct BudgetTable: Sendable {
    private let rows: [[String]]

    /// Creates a table of what the store has.
    ///
    /// - Parameter now: Seconds since 1970: counts of stretches that are over are left out.
    public init(_ balances: [BudgetBalance], _ rules: [BudgetRule], now: Int64) {
        self.rows = rules.filter { $0.window.period != .call }.flatMap { rule in
            let line = BudgetLine(rule)
            var counts = line.counts(balances, now: now)
            if counts.isEmpty, rule.each == nil {
                counts = [BudgetLine.Count(counter: rule.account, name: rule.name, spent: 0, leased: 0)]
            }
            return counts.map { count in
                [
                    count.name, rule.unit.rawValue, line.text(rule.limit), rule.window.period.rawValue,
                    line.text(count.spent), line.text(count.leased),
                    line.text(max(0, rule.limit - count.spent - count.leased)),
                ]
            }
        }
    }

    /// What a count is called in the store that the table calls so; `nil` where nothing is counted under that name.
    public static func counter(named name: String, _ rules: [BudgetRule], _ balances: [BudgetBalance]) -> String? {
        BudgetLine.counter(named: name, rules, balances)
    }

    private static let names = ["budget", "unit", "limit", "per", "spent", "leased", "left"]

    /// Columns.
    public var text: String {
        let lines = [Self.names] + self.rows
        let widths = Self.names.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            var text = line.enumerated().map { column, cell in
                cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
            while text.last == " " { text.removeLast() }
            return text + "\n"
        }.joined()
    }

    /// `[{"budget", "unit", "limit", "per", "spent", "leased", "left"}]`, amounts as text.
    public var json: String {
        var json = JSONWriter()
        json.beginArray()
        for row in self.rows {
            json.beginObject()
            for (name, cell) in zip(Self.names, row) {
                json.key(name)
                json.string(cell)
            }
            json.endObject()
        }
        json.endArray()
        return String(buffer: json.bytes) + "\n"
    }
}
