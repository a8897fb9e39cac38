import Foundation

/// Rows with a heading for people. Colour only on a terminal, and not where `NO_COLOR` is set (https://no-color.org).
struct TextTable {
    private var rows: [[String]]

    init(_ heading: [String]) {
        self.rows = [heading.map { $0.uppercased() }]
    }

    mutating func add(_ row: [String]) { self.rows.append(row) }

    /// The lines; a word for a state is coloured.
    var text: String {
        let widths = self.rows[0].indices.map { column in self.rows.map { $0[column].count }.max() ?? 0 }
        return self.rows.enumerated().map { index, row in
            let cells = row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: column == row.count - 1 ? 0 : widths[column] - cell.count)
                return (index == 0 ? cell : Self.coloured(cell)) + padding
            }
            return cells.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private static let colours: [String: Int] = [
        "active": 32, "closed": 32, "healthy": 32, "yes": 32, "draining": 33, "half_open": 33, "runtime": 33,
        "open": 31, "disabled": 31, "unhealthy": 31, "forced_open": 31,
    ]

    /// A word with its colour, where there are colours.
    static func coloured(_ word: String) -> String {
        guard Self.hasColours, let colour = Self.colours[word] else { return word }
        return "\u{1B}[\(colour)m\(word)\u{1B}[0m"
    }

    private static let hasColours =
        isatty(STDOUT_FILENO) == 1 && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
}
