import Foundation
import NeedletailCore
import Synchronization

/// One folder's counts.
struct Tally: Sendable {
    var folder: String
    /// All that lies in it.
    var cases = 0
    /// Asked in the recording's own dialect.
    var passthrough = 0
    /// Asked in other dialects, by the client's.
    var translated: [DialectID: Int] = [:]
    /// Replies that the client sent back as the assistant's turn.
    var resent = 0
    var errors = 0
    var broken = 0
    /// Requests put to other upstreams: said there, with losses that are told, or refused by name.
    var carried = 0
    var lossy = 0
    var refused = 0
    /// Chat that is not replayed at all, by reason.
    var skipped: [String: Int] = [:]
    /// What is no chat of a dialect, by reason.
    var other: [String: Int] = [:]
    /// Cases whose request is made up, by reason.
    var madeUp: [String: Int] = [:]

    var line: String {
        var line = "conformance \(self.folder): \(self.cases) cases: passthrough \(self.passthrough)"
        for (dialect, count) in self.translated.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            line += ", to \(dialect.rawValue) \(count)"
        }
        line += ", sent again \(self.resent), errors \(self.errors), broken streams \(self.broken)"
        if self.carried + self.refused > 0 {
            line += ", requests carried \(self.carried) (lossy \(self.lossy)), refused \(self.refused)"
        }
        for (title, counts) in [("skipped", self.skipped), ("not chat", self.other), ("request made up", self.madeUp)] {
            for (reason, count) in counts.sorted(by: { $0.key < $1.key }) { line += ", \(title) \(count): \(reason)" }
        }
        return line
    }
}

/// The counts of all folders, printed as they come and written to `.build/conformance.txt` as a table;
/// `.build/conformance-losses.txt` says what was told as lost, how often and to whom.
final class Report: Sendable {
    static let shared = Report()
    private let tallies = Mutex<[String: Tally]>([:])
    private let losses = Mutex<[String: [String: Int]]>([:])

    func add(_ tally: Tally) {
        print(tally.line)
        let all = self.tallies.withLock { tallies in
            tallies[tally.folder] = tally
            return tallies.values.sorted { $0.folder < $1.folder }
        }
        self.write(all)
    }

    /// Counts what one reply told as lost.
    func add(_ losses: [String], from upstream: DialectID, to client: DialectID) {
        self.losses.withLock { all in
            for name in losses { all["\(upstream.rawValue) \(name)", default: [:]][client.rawValue, default: 0] += 1 }
        }
    }

    /// What was told as lost, the most frequent first, with the clients that it was told to.
    private var lossTable: String {
        let all = self.losses.withLock { $0 }
        let rows = all.map { name, clients in (name: name, clients: clients, sum: clients.values.reduce(0, +)) }
        return rows.sorted { ($1.sum, $0.name) < ($0.sum, $1.name) }
            .map { row in
                let clients = row.clients.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
                return "\(row.sum)  \(row.name): \(clients.joined(separator: ", "))\n"
            }
            .joined()
    }

    private func write(_ tallies: [Tally]) {
        let clients = DialectID.allCases
        var rows = [
            ["folder", "cases", "own dialect"] + clients.map(\.rawValue) + [
                "again", "errors", "broken", "requests", "refused", "skipped", "not chat",
            ]
        ]
        for tally in tallies where tally.passthrough + tally.carried + tally.refused > 0 {
            let counts = [tally.cases, tally.passthrough] + clients.map { tally.translated[$0] ?? 0 }
            let rest = [
                tally.resent, tally.errors, tally.broken, tally.carried, tally.refused,
                tally.skipped.values.reduce(0, +), tally.other.values.reduce(0, +),
            ]
            rows.append([tally.folder] + (counts + rest).map { $0 == 0 ? "." : String($0) })
        }
        let sums = rows.first.map { head in
            head.indices.map { column in
                column == 0 ? "all" : String(rows.dropFirst().compactMap { Int($0[column]) }.reduce(0, +))
            }
        }
        rows.append(sums ?? [])
        var text = ""
        for row in rows {
            for (column, cell) in row.enumerated() {
                let width = rows.map { $0[column].count }.max() ?? 0
                let gap = String(repeating: " ", count: width - cell.count)
                text += (column == 0 ? cell + gap : gap + cell) + "  "
            }
            text += "\n"
        }
        let chats = tallies.reduce(0) { $0 + $1.passthrough }
        let skipped = tallies.reduce(0) { $0 + $1.skipped.values.reduce(0, +) }
        text += "\nchats replayed: \(chats), skipped: \(skipped)\n\n"
        for tally in tallies {
            for (title, counts) in [("skipped", tally.skipped), ("not chat", tally.other)] {
                for (reason, count) in counts.sorted(by: { $0.key < $1.key }) {
                    text += "\(title): \(tally.folder) \(count): \(reason)\n"
                }
            }
        }
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for (name, text) in [("conformance.txt", text), ("conformance-losses.txt", self.lossTable)] {
            try? text.write(to: checkout.appendingPathComponent(".build/\(name)"), atomically: false, encoding: .utf8)
        }
    }
}
