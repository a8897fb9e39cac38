import GRDB
import NeedletailCore
import Testing

@testable import NeedletailStore

/// The sums that are kept beside the ledger say what its lines say, whatever happens to them.
@Suite("Sums of the ledger", .timeLimit(.minutes(5)))
struct LedgerSumsTests {
    /// Numbers that are the same in each run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            self.state &+= 0x9E37_79B9_7F4A_7C15
            var z = self.state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    /// The beginning of a day.
    private static let start: Int64 = 1_795_305_600_000
    private static let hour: Int64 = 3_600_000

    /// Lines over three days, of requests of which many have several: near each other, in two hours, in two days.
    private static func lines(_ count: Int, _ random: inout Generator, requests: ClosedRange<Int64>) -> [LedgerLine] {
        (0..<count).map { _ in
            let request = Int64.random(in: requests, using: &random)
            // Requests begin in turn, the last minute of an hour among the times.
            let begin =
                Self.start + (request % 72) * Self.hour + Self.hour - Int64.random(in: 1...60_000, using: &random)
            let tags = [[], [], ["a"], ["a", "b"], ["b", "b"], ["bad\"", "a"], ["e\u{301}"], ["\u{e9}"]]
            let accuracies: [Cost.Accuracy] = [.exact, .estimated]
            let dollars = [Int128(5), 999_999_999_999, 7_000_000_000_001, Int128(Int64.max)]
            return LedgerLine(
                wallMilliseconds: begin + Int64.random(in: 0...120_000, using: &random), requestID: "r",
                request: request,
                key: ["k", "ключ", "", "l"][Int(request % 4)], tenant: ["", "t"][Int(request % 2)],
                team: ["", "crew"][Int(request % 3 / 2)], tags: tags.randomElement(using: &random) ?? [],
                user: "u\(request % 9)", provider: ["p", "q"].randomElement(using: &random) ?? "",
                model: ["m", "n", "e\u{301}", "\u{e9}"].randomElement(using: &random) ?? "",
                attempt: Int.random(in: 1...3, using: &random),
                usage: Bool.random(using: &random)
                    ? nil : Usage(inputTokens: Int.random(in: 0...9_000, using: &random), outputTokens: 3),
                cost: Bool.random(using: &random)
                    ? nil
                    : Cost(
                        Money(picodollars: dollars.randomElement(using: &random) ?? 0),
                        accuracies.randomElement(using: &random) ?? .exact),
                outcome: ["finished", "failed"].randomElement(using: &random) ?? "",
                calls: Int.random(in: 0...9, using: &random) == 0 ? 4 : 1)
        }
    }

    private static var questions: [CostQuestion] {
        let all: [[CostQuestion.Dimension]] = [
            [], [.day], [.key], [.tenant], [.team], [.tag], [.model], [.provider], [.operation], [.accuracy],
            [.outcome],
            [.user], [.lost], [.model, .day], [.day, .tag], [.key, .model], [.day, .key], [.day, .day],
        ]
        let times: [(Int64?, Int64?)] = [
            (nil, nil), (Self.start, nil), (nil, Self.start + 24 * Self.hour),
            (Self.start + 5 * Self.hour - 7, Self.start + 50 * Self.hour + 1_000),
            (Self.start + 3 * Self.hour, Self.start + 4 * Self.hour), (Self.start + 10, Self.start + 20),
            (Self.start + 9 * Self.hour - 1, Self.start + 9 * Self.hour + 1), (Self.start + 99 * Self.hour, nil),
            (-5, 0), (Int64.max, nil), (nil, Int64.min), (Self.start + 8 * Self.hour, Self.start),
        ]
        return all.flatMap { dimensions in
            times.flatMap { since, until in
                [nil, "k"].map { CostQuestion(by: dimensions, since: since, until: until, key: $0) }
            }
        }
    }

    /// Questions have the same answer from the sums and from the lines: those about all time, and an eleventh of the others,
    /// which one goes by the place's name. Eleven shares no factor with the 24 there are of each dimension.
    private static func compare(_ store: SQLiteStore, _ place: String) throws {
        for (number, question) in Self.questions.enumerated()
        where number % 24 == 0 || number % 11 == place.utf8.reduce(0, { $0 + Int($1) }) % 11 {
            let (sums, lines) = (try store.costs(question), try store.costsOfLines(question))
            func rows(_ report: CostReport) -> [String] {
                report.rows.map { row in
                    "\(row.values.map { Array($0.utf8) }) \(row.requests) \(row.calls) \(row.inputTokens) \(row.outputTokens) "
                        + "\(row.cachedInputTokens) \(row.cost) \(row.unpriced)"
                }.sorted()
            }
            #expect(rows(sums) == rows(lines), "\(place): \(question)")
            #expect(sums.total == lines.total, "\(place): \(question)")
        }
    }

    private static func hasSums(_ store: SQLiteStore) throws -> Bool {
        try store.read { try SQLiteStore.SumState($0)?.isWhole == true }
    }

    private static func cells(_ store: SQLiteStore) throws -> [String] {
        try store.read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM ledger_sum WHERE calls <> 0").map { "\($0)" }
        }
    }

    @Test("Sums say what lines say, after each batch, after a start and after old lines went", arguments: [1, 2, 3])
    func property(seed: UInt64) throws {
        let folder = try Folder()
        var random = Generator(state: seed)
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            for size in [1, 7, 60, 120] {
                try store.append(Self.lines(size, &random, requests: 0...60), booking: [])
                #expect(try Self.hasSums(store))
            }
            try Self.compare(store, "written \(seed)")
        }
        let store = try SQLiteStore(path: folder.file("n.db"))
        _ = try store.erase(user: "u3", tenant: nil, pseudonym: "erased-1")
        try store.append(Self.lines(30, &random, requests: 40...90), booking: [])
        try Self.compare(store, "after a start and an erasure \(seed)")
        #expect(try store.removeLines(before: Self.start + 20 * Self.hour + 1_800_000, atMost: 25) == 25)
        try Self.compare(store, "after some went \(seed)")
        while try store.removeLines(before: Self.start + 20 * Self.hour + 1_800_000, atMost: 25) > 0 {}
        // Some come late, into hours that are no longer added up.
        try store.append(Self.lines(60, &random, requests: 0...60), booking: [])
        #expect(try Self.hasSums(store))
        try Self.compare(store, "after all old ones went and late ones came \(seed)")
        while try store.removeLines(before: .max, atMost: 1_000) > 0 {}
        try store.append(Self.lines(5, &random, requests: 0...60), booking: [])
        #expect(try Self.hasSums(store))
        try Self.compare(store, "after all went \(seed)")
    }

    @Test("What an older version or a tool wrote is added up at the next start, and asked of the lines until then")
    func others() throws {
        let folder = try Folder()
        var random = Generator(state: 9)
        let kept: [String]
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            try store.append(Self.lines(150, &random, requests: 0...40), booking: [])
            kept = try Self.cells(store).sorted()
            try store.write { database in
                // As the version before the sums left it.
                try database.execute(
                    sql: """
                        DROP INDEX ledger_shared; ALTER TABLE ledger DROP COLUMN shared;
                        CREATE INDEX ledger_key_at ON ledger (key, at);
                        DROP TABLE ledger_sum; DROP TABLE ledger_crossing; DROP TABLE ledger_sum_state;
                        DELETE FROM grdb_migrations WHERE identifier = '5 sums of the ledger';
                        """)
            }
            let reader = try SQLiteStore(path: folder.file("n.db"), mode: .read)
            #expect(try reader.costs(CostQuestion(by: [.model])).rows.count == 4)
        }
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            #expect(try Self.hasSums(store))
            #expect(try Self.cells(store).sorted() == kept)
            try Self.compare(store, "brought up to date")
            try store.write { database in
                try database.execute(
                    sql: """
                        INSERT INTO ledger SELECT id + 1000, at + 60000, request_id, request + id % 2, key, tenant, user,
                            provider, 'other', operation, attempt, cause, input_tokens, output_tokens, cached_tokens,
                            cache_write_tokens, cache_write_1h_tokens, reasoning_tokens, searches, service_tier,
                            cost_pico_usd, accuracy, over_hold, price_version, duration_ms, first_token_ms, outcome,
                            error, calls, team, tags, lost, shared FROM ledger
                        """)
            }
            try store.append(Self.lines(20, &random, requests: 0...40), booking: [])
            #expect(try !Self.hasSums(store))
            try Self.compare(store, "behind")
        }
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            #expect(try Self.hasSums(store))
            try Self.compare(store, "caught up")
            try store.write { try $0.execute(sql: "DELETE FROM ledger WHERE id > 500") }
            #expect(try !Self.hasSums(store))
            try Self.compare(store, "without the newest")
        }
        let store = try SQLiteStore(path: folder.file("n.db"))
        #expect(try Self.hasSums(store))
        try Self.compare(store, "made anew")
    }

    @Test("Sums that hold lines which are gone are not taken for whole when their ids are given again")
    func idsGivenAgain() throws {
        let folder = try Folder()
        var random = Generator(state: 5)
        do {
            let store = try SQLiteStore(path: folder.file("n.db"))
            try store.append(Self.lines(50, &random, requests: 0...40), booking: [])
            try store.write { try $0.execute(sql: "DELETE FROM ledger WHERE id > 47") }
            for size in [2, 1, 30] {
                try store.append(Self.lines(size, &random, requests: 0...40), booking: [])
                #expect(try !Self.hasSums(store))
                try Self.compare(store, "given again \(size)")
            }
        }
        let store = try SQLiteStore(path: folder.file("n.db"))
        #expect(try Self.hasSums(store))
        try Self.compare(store, "made anew")
    }

    @Test("Adding up in steps that are broken off goes on where it was")
    func steps() throws {
        let folder = try Folder()
        var random = Generator(state: 4)
        let store = try SQLiteStore(path: folder.file("n.db"))
        try store.append(Self.lines(200, &random, requests: 0...40), booking: [])
        let kept = try Self.cells(store).sorted()
        try store.write { database in
            try database.execute(
                sql: """
                    DELETE FROM ledger_sum; DELETE FROM ledger_crossing;
                    UPDATE ledger_sum_state SET last_line = 0; UPDATE ledger SET shared = 0;
                    """)
        }
        try store.addUpLedger(step: 7)
        #expect(try Self.cells(store).sorted() == kept)
        try Self.compare(store, "in steps")
    }

    @Test("A call that began beside one that was told as the only one counts its request once")
    func races() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        var first = LedgerLine(
            wallMilliseconds: Self.start + 10, requestID: "r", request: 7, key: "k", provider: "p", model: "m",
            siblings: .none)
        try store.append([first], booking: [])
        first.wallMilliseconds += 900
        first.durationMilliseconds = 800
        first.siblings = .earlier(1)
        try store.append([first], booking: [])
        #expect(try store.costs(CostQuestion(by: [.model])).rows.map(\.requests) == [1])
        try Self.compare(store, "two calls")
    }

    @Test("A batch that fails leaves neither lines nor sums")
    func failure() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        let line = LedgerLine(wallMilliseconds: Self.start, requestID: "r", request: 7, provider: "p", model: "m")
        try store.append([line], booking: [])
        try store.write { database in
            try database.execute(
                sql: """
                    CREATE TRIGGER no BEFORE INSERT ON budget BEGIN SELECT RAISE(ABORT, 'no'); END;
                    """)
        }
        let change = BudgetChange(slot: BudgetSlot(counter: "b", start: 0), spent: 1, leased: 0)
        #expect(throws: NeedletailError.self) { try store.append([line, line], booking: [change]) }
        #expect(try Self.hasSums(store))
        #expect(try store.costs(CostQuestion(by: [.model])).total.calls == 1)
        try Self.compare(store, "after a failure")
    }

    @Test("Tokens beyond 64 bits neither stop the ledger nor are told as fewer")
    func nonsense() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        var line = LedgerLine(
            wallMilliseconds: Self.start, requestID: "r", request: 7, provider: "p", model: "m",
            usage: Usage(inputTokens: .max, outputTokens: 1))
        for _ in 0..<3 { try store.append([line, line], booking: []) }
        line.wallMilliseconds += Self.hour
        try store.append([line], booking: [])
        let report = try store.costs(CostQuestion(by: [.model]))
        #expect(report.total.inputTokens == 7 << 53 && report.total.outputTokens == 7)
        try Self.compare(store, "nonsense")
        // More than 64 bits in all, and in each of two hours, as they may be there already.
        try store.append(Array(repeating: line, count: 1_100), booking: [])
        try Self.compare(store, "nonsense beyond 64 bits")
        try store.write { try $0.execute(sql: "UPDATE ledger_sum SET input_tokens = 9223372036854775807") }
        for until in [nil, Self.start + Self.hour + 1] {
            let question = CostQuestion(by: [.model], until: until)
            #expect(try store.costs(question).rows.map(\.inputTokens) == [.max])
        }
    }

    @Test("Costs of all time are read from the sums, not from the lines")
    func speed() throws {
        let folder = try Folder()
        let store = try SQLiteStore(path: folder.file("n.db"))
        let line = LedgerLine(wallMilliseconds: Self.start, requestID: "r", request: 7, provider: "p", model: "m")
        try store.append([line], booking: [])
        // A line that the sums do not know of and that does not show: what is read is the sums.
        try store.write { try $0.execute(sql: "UPDATE ledger SET calls = 9") }
        for dimension in CostQuestion.Dimension.allCases {
            let isKept = dimension != .user && dimension != .lost
            let rows = try store.costs(CostQuestion(by: [dimension])).rows
            #expect(rows.map(\.calls) == [isKept ? 1 : 9], "\(dimension)")
        }
    }
}
