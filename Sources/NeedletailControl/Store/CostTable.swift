import NIOCore
public import NeedletailCore

/// A report of costs, written for people and for programs.
public struct CostTable: Sendable {
    /// How it is written.
    public enum Format: Sendable {
        /// Columns.
        case text
        /// `{"total_usd", "currency", "rows": [{KEY: …, "requests", …, "cost_usd"}]}`.
        case json
        /// RFC 4180, with a line of names first.
        case csv
    }

    private let report: CostReport

    /// Creates a table.
    public init(_ report: CostReport) {
        self.report = report
    }

    /// The report in a form.
    public func written(_ format: Format) -> String {
        switch format {
        case .json: self.json
        case .csv: self.lines.map { $0.map(Self.quoted).joined(separator: ",") + "\r\n" }.joined()
        case .text: self.text
        }
    }

    private static let counts = [
        "requests", "calls", "input_tokens", "output_tokens", "cached_input_tokens", "unpriced_calls", "cost_usd",
    ]

    private static func amounts(_ row: CostReport.Row) -> [String] {
        [
            "\(row.requests)", "\(row.calls)", "\(row.inputTokens)", "\(row.outputTokens)",
            "\(row.cachedInputTokens)", "\(row.unpriced)", row.cost.decimal(leastPlaces: 6),
        ]
    }

    private var lines: [[String]] {
        [self.report.dimensions.map(\.rawValue) + Self.counts]
            + self.report.rows.map { $0.values + Self.amounts($0) }
    }

    private var json: String {
        var json = JSONWriter()
        json.beginObject()
        json.member("total_usd", self.report.total.cost.decimal(leastPlaces: 6))
        json.member("currency", "USD")
        json.member("requests", self.report.total.requests)
        json.key("rows")
        json.beginArray()
        for row in self.report.rows {
            json.beginObject()
            for (dimension, value) in zip(self.report.dimensions, row.values) {
                json.key(dimension.rawValue)
                json.string(value)
            }
            json.member("requests", row.requests)
            json.member("calls", row.calls)
            json.member("input_tokens", row.inputTokens)
            json.member("output_tokens", row.outputTokens)
            json.member("cached_input_tokens", row.cachedInputTokens)
            json.member("unpriced_calls", row.unpriced)
            json.member("cost_usd", row.cost.decimal(leastPlaces: 6))
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return String(buffer: json.bytes) + "\n"
    }

    private var text: String {
        let total = ["total"] + Array(repeating: "", count: max(0, self.report.dimensions.count - 1))
        var lines = self.lines
        lines.append((self.report.dimensions.isEmpty ? [] : total) + Self.amounts(self.report.total))
        let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            line.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                // Names to the left, numbers to the right.
                return column < self.report.dimensions.count ? cell + space : space + cell
            }.joined(separator: "  ") + "\n"
        }.joined()
    }

    private static func quoted(_ cell: String) -> String {
        guard cell.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 < 0x20 }) else { return cell }
        return "\"\(cell.replacing("\"", with: "\"\""))\""
    }
}
