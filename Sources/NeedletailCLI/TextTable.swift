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

    /// What a colour says; the number is the terminal's (ECMA-48, 8.3.117).
    enum Colour: Int {
        case red = 31
        case green = 32
        case yellow = 33
    }

    private static let colours: [String: Colour] = [
        "active": .green, "closed": .green, "healthy": .green, "yes": .green, "draining": .yellow,
        "half_open": .yellow, "degraded": .yellow, "runtime": .yellow, "open": .red, "disabled": .red,
        "unhealthy": .red, "forced_open": .red,
    ]

    /// A word with its colour, where there are colours.
    static func coloured(_ word: String) -> String {
        Self.colours[word].map { Self.coloured(word, $0) } ?? word
    }

    /// A text in a colour, where there are colours.
    static func coloured(_ text: String, _ colour: Colour) -> String {
        Self.hasColours ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    private static let hasColours =
        Terminal.output.isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
}
