import Foundation
import NeedletailCore
import Testing

@testable import NeedletailStore

/// A folder that is removed with the test.
final class Folder {
    let path: String

    init() throws {
        self.path = FileManager.default.temporaryDirectory.appending(path: "needletail-\(UUID().uuidString)").path()
        try FileManager.default.createDirectory(atPath: self.path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    func file(_ name: String) -> String { self.path + "/" + name }
}

@Suite("SQLite store")
struct SQLiteStoreTests {
    private static func line(_ index: Int, key: String = "a", model: String = "m") -> LedgerLine {
        LedgerLine(
            wallMilliseconds: 1_795_339_099_000 + Int64(index) * 1_000, requestID: "same", request: Int64(index),
            key: key,
            provider: "p", model: model, usage: Usage(inputTokens: 10, outputTokens: 2),
            cost: index % 5 == 4 ? nil : Cost(Money(picodollars: 1_500_000_000_001)))
    }

    @Test("Costs add up exactly, by any dimensions, and unknown prices are counted apart")
    func costs() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        try store.append((0..<10).map { Self.line($0, key: $0 < 6 ? "a" : "b") }, booking: [])
        let report = try store.costs(CostQuestion(by: [.key, .day]))
        #expect(report.rows.map(\.values) == [["a", "2026-11-22"], ["b", "2026-11-22"]])
        #expect(report.rows.map(\.requests) == [6, 4])
        #expect(report.rows.map(\.unpriced) == [1, 1])
        #expect(report.total.cost == Money(picodollars: 8 * 1_500_000_000_001))
        #expect(report.total.inputTokens == 100)
        let since = try store.costs(CostQuestion(by: [], since: 1_795_339_099_000 + 9_000))
        #expect(since.total.requests == 1)
        #expect(since.rows.isEmpty)
    }

    @Test("A request with several calls counts once in every row that has some of them, and once in the total")
    func calls() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        var lines = (0..<6).map { Self.line($0, model: $0 % 2 == 0 ? "m" : "n") }
        // Three requests with two calls each, each call at another model; the last stands for four more.
        for index in lines.indices { lines[index].request = Int64(index / 2) }
        lines[5].calls = 5
        lines[5].cost = nil
        lines[0].tags = ["x", "y"]
        try store.append(lines, booking: [])
        for dimensions in [[], [.key], [.model], [.key, .model], [.tag], [.day], [.user, .tenant], [.provider]]
            as [[CostQuestion.Dimension]]
        {
            let report = try store.costs(CostQuestion(by: dimensions))
            #expect(report.total.requests == 7 && report.total.calls == 10, "\(dimensions)")
            #expect(report.total.unpriced == 6 && report.total.inputTokens == 60, "\(dimensions)")
            guard dimensions.contains(.model) else { continue }
            #expect(report.rows.map(\.requests).sorted() == [3, 7], "\(dimensions)")
        }
        #expect(try store.costs(CostQuestion(by: [.model], key: "nobody")).total == CostReport.Row())
    }

    @Test("A line with several tags stands in the row of each, and once in the total; teams are told apart")
    func tags() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        var lines = (0..<3).map { Self.line($0) }
        lines[0].tags = ["a", "b"]
        lines[1].tags = ["a"]
        lines[1].team = "crew"
        try store.append(lines, booking: [])
        let byTag = try store.costs(CostQuestion(by: [.tag], key: "a"))
        #expect(
            Dictionary(uniqueKeysWithValues: byTag.rows.map { ($0.values[0], $0.requests) }) == ["a": 2, "b": 1, "": 1])
        #expect(byTag.total.requests == 3)
        let byTeam = try store.costs(CostQuestion(by: [.team, .tag]))
        #expect(Set(byTeam.rows.map(\.values)) == [["", "a"], ["", "b"], ["crew", "a"], ["", ""]])
    }

    @Test("Texts of any length come back as they were, each in its own line")
    func texts() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        let keys = ["", "a", "ключ 🔑", String(repeating: "x", count: 5_000), "short", "\u{1}"]
        try store.append(keys.enumerated().map { Self.line($0, key: $1, model: $1 + "!") }, booking: [])
        let rows = try store.costs(CostQuestion(by: [.key, .model])).rows
        #expect(Set(rows.map(\.values)) == Set(keys.map { [$0, $0 + "!"] }))
    }

    @Test("A line keeps what translation lost")
    func losses() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        var line = Self.line(0)
        line.lost = ["choices.logprobs", "choices"]
        try store.append([line, Self.line(1)], booking: [])
        let rows = try store.costs(CostQuestion(by: [.lost])).rows
        #expect(Set(rows.map(\.values)) == [["choices.logprobs,choices"], [""]])
    }

    @Test("Old lines are removed, the oldest first and so many at a time")
    func retention() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        try store.append((0..<10).map { Self.line($0) }, booking: [])
        let moment: Int64 = 1_795_339_099_000 + 7_000
        #expect(try store.removeLines(before: moment, atMost: 5) == 5)
        #expect(try store.costs(CostQuestion(by: [], until: moment)).total.requests == 2)
        #expect(try store.removeLines(before: moment, atMost: 5) == 2)
        #expect(try store.removeLines(before: moment, atMost: 5) == 0)
        #expect(try store.costs(CostQuestion(by: [])).total.requests == 3)
    }

    @Test("A question about a time reads its lines by an index, however many there are")
    func plans() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        for (question, index) in [
            (CostQuestion(by: [], since: 5), "SEARCH ledger USING INDEX ledger_at"),
            (CostQuestion(by: [], since: 5, until: 9), "SEARCH ledger USING INDEX ledger_at"),
            (CostQuestion(by: [], since: 5, key: "a"), "SEARCH ledger USING INDEX ledger_at"),
            (CostQuestion(by: [.key], since: 5), "SEARCH ledger USING INDEX ledger_at"),
            (CostQuestion(by: [.model, .key], since: 5), "SEARCH ledger USING INDEX ledger_at"),
            (CostQuestion(by: [.key]), "SCAN ledger;"),
        ] {
            let plan = try store.plan(question)
            #expect(plan.contains(index), "\(plan)")
        }
    }

    @Test("Sums beyond 64 bits of pico-dollars do not overflow")
    func large() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        let most = LedgerLine(
            wallMilliseconds: 1, requestID: "", request: 1, provider: "p", model: "m",
            cost: Cost(Money(picodollars: Int128(Int64.max))))
        try store.append([most, most, most], booking: [])
        #expect(try store.costs(CostQuestion(by: [])).total.cost == Money(picodollars: 3 * Int128(Int64.max)))
    }

    @Test("A budget's blocks and bookings survive, and the limit holds over all slots that count")
    func budgets() throws {
        let folder = try Folder()
        let slot = BudgetSlot(counter: "b", start: 100)
        let request = BudgetGrantRequest(slot: slot, since: 50, limit: 100, least: 40, preferred: 60)
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            #expect(try store.grant([request]) == .granted([BudgetBlock(amount: 60, left: 40)]))
            try store.append([], booking: [BudgetChange(slot: slot, spent: 20, leased: -20)])
        }
        let store = try SQLiteStore(path: folder.file("n.db"))
        #expect(try store.balances() == [BudgetBalance(slot: slot, spent: 20, leased: 40)])
        var second = request
        second.slot.start = 150
        #expect(try store.grant([second]) == .granted([BudgetBlock(amount: 40, left: 0)]))
        #expect(try store.grant([second]) == .refused(index: 0, left: 0))
        // Once the first slot is out of the window what it took is there again.
        second.since = 120
        #expect(try store.grant([second]) == .granted([BudgetBlock(amount: 60, left: 0)]))
        // All or none.
        var third = request
        third.slot = BudgetSlot(counter: "c", start: 0)
        #expect(try store.grant([third, second]) == .refused(index: 1, left: 0))
        #expect(try store.balances(counter: "c").isEmpty)
        try store.reset(counter: "b")
        #expect(try store.balances().isEmpty)
    }

    @Test("To forget a user leaves the name only where a budget still counts it")
    func erasedCounters() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        let counts: [(String, Int64)] = [
            ("each-user/ann", 100), ("each-user/ann", 200), ("each-user/hannah", 100), ("ann", 100),
            ("other/ann", 100), ("total/ann", 0),
        ]
        try store.book(counts.map { BudgetChange(slot: BudgetSlot(counter: $0, start: $1), spent: 5, leased: 0) })
        let counters = [BudgetSlot(counter: "each-user/ann", start: 200), BudgetSlot(counter: "total/ann", start: 0)]
        let done = try store.erase(user: "ann", tenant: nil, pseudonym: "erased-1", counters: counters)
        #expect(done.lines == 1)
        #expect(
            try store.balances().map { "\($0.slot.counter) \($0.slot.start)" } == [
                "ann 100", "each-user/ann 200", "each-user/erased-1 100", "each-user/hannah 100", "other/ann 100",
                "total/ann 0",
            ])
        try store.removeBalances(before: 150)
        #expect(try store.balances().map(\.slot.counter) == ["each-user/ann", "total/ann"])
    }

    @Test("A backup is whole, a second one to the same file is refused, and a reader reads beside the writer")
    func backup() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        try store.append([Self.line(1)], booking: [])
        try store.backup(to: folder.file("copy.db"))
        #expect(throws: NeedletailError.self) { try store.backup(to: folder.file("copy.db")) }
        try store.append([Self.line(2)], booking: [])
        let copy = try SQLiteStore(path: folder.file("copy.db"), mode: .read)
        #expect(try copy.costs(CostQuestion(by: [])).total.requests == 1)
        let reader = try SQLiteStore(path: folder.file("n.db"), mode: .read)
        #expect(try reader.costs(CostQuestion(by: [])).total.requests == 2)
        try store.check()
        try store.vacuum()
        #expect(try reader.costs(CostQuestion(by: [])).total.requests == 2)
    }

    @Test("What is no database, is damaged, or cannot be opened says so, with what to do")
    func damage() throws {
        let folder = try Folder()
        try Data("not a database, by far, and long enough to be looked at as one".utf8)
            .write(to: URL(filePath: folder.file("text.db")))
        Self.expectFailure(folder.file("text.db"), "it is no database")
        Self.expectFailure(folder.file("no/such/folder.db"), "it cannot be opened")
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            try store.append((0..<2_000).map { Self.line($0, model: "model-\($0)") }, booking: [])
            try store.vacuum()
        }
        let url = URL(filePath: folder.file("n.db"))
        var bytes = try Data(contentsOf: url)
        for page in stride(from: 4_096 * 3, to: bytes.count - 4_096, by: 4_096) {
            bytes.replaceSubrange(page..<(page + 2_048), with: Data(repeating: 0xA5, count: 2_048))
        }
        try bytes.write(to: url)
        Self.expectFailure(folder.file("n.db"), "it is damaged")
    }

    private static func expectFailure(_ path: String, _ words: String) {
        do {
            _ = try SQLiteStore(path: path)
            Issue.record("\(path) was opened")
        } catch {
            #expect(error.code == .unavailable)
            #expect(error.message.contains(words), "\(error.message)")
        }
    }
}
