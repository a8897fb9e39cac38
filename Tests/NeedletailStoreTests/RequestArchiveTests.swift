import GRDB
import NeedletailCore
import Testing

@testable import NeedletailStore

/// Searches find what fits, the newest first, whatever blocks tell of it.
@Suite("Request archive", .timeLimit(.minutes(5)))
struct RequestArchiveTests {
    private static func request(_ number: Int64) -> ArchivedRequest {
        // Stretches of alike requests, longer than a block, and a few that are unlike all.
        let stretch = number / 1_500
        let isOdd = number % 2_777 == 0
        return ArchivedRequest(
            number: number, second: 1_000 + number / 10, id: "r\(number)",
            key: isOdd ? "odd" : stretch % 3 == 0 ? nil : "key-\(stretch)",
            model: isOdd ? "strange" : "model-\(stretch)", answeredModel: number % 5 == 0 ? "answer-\(stretch)" : nil,
            called: isOdd ? [] : ["p\(stretch)", "q"], status: isOdd ? 429 : stretch % 2 == 0 ? 200 : 503,
            durationMilliseconds: isOdd ? 9_000 : stretch, picoDollars: isOdd ? nil : stretch * 10,
            row: "row \(number)",
            whole: "{}")
    }

    private static var filters: [ArchiveFilter] {
        let changes: [(inout ArchiveFilter) -> Void] = [
            { _ in }, { $0.key = "odd" }, { $0.key = "key-2" }, { $0.key = "nobody" }, { $0.model = "strange" },
            { $0.model = "model-1" }, { $0.model = "mod*" }, { $0.model = "answer-3" }, { $0.model = "ans*" },
            { $0.model = "no*" }, { $0.model = "*" }, { $0.provider = "p2" }, { $0.provider = "q" },
            { $0.provider = "nobody" }, { $0.statuses = 429...429 }, { $0.statuses = 500...599 },
            { $0.statuses = 400...499 }, { $0.statuses = 201...450 }, { $0.statuses = 418...418 },
            { $0.slowerThan = 3 }, { $0.slowerThan = 9_001 }, { $0.dearerThan = 40 }, { $0.dearerThan = 0 },
            { $0.since = 1_400 }, { $0.until = 1_050 },
            {
                $0.since = 1_100; $0.until = 1_300; $0.key = "key-1"
            },
            {
                $0.key = "key-2"; $0.statuses = 429...429
            },
        ]
        return changes.map { change in
            var filter = ArchiveFilter()
            change(&filter)
            return filter
        }
    }

    private static func fits(_ one: ArchivedRequest, _ filter: ArchiveFilter) -> Bool {
        func names(_ pattern: String, _ name: String?) -> Bool {
            pattern.hasSuffix("*") ? name?.hasPrefix(pattern.dropLast()) ?? false : name == pattern
        }
        if let key = filter.key, key != one.key { return false }
        if let model = filter.model, !names(model, one.model), !names(model, one.answeredModel) { return false }
        if let provider = filter.provider, !one.called.contains(provider) { return false }
        if let statuses = filter.statuses, !statuses.contains(one.status) { return false }
        if let least = filter.slowerThan, one.durationMilliseconds < least { return false }
        if let least = filter.dearerThan, one.picoDollars ?? 0 < least { return false }
        if let since = filter.since, one.second < since { return false }
        if let until = filter.until, one.second > until { return false }
        return true
    }

    private static func compare(_ archive: RequestArchive, _ requests: [ArchivedRequest], _ place: String) throws {
        // Half of them, by the place's name.
        for (number, filter) in Self.filters.enumerated() where number % 2 == place.utf8.count % 2 {
            let fitting = requests.reversed().filter { Self.fits($0, filter) }
            for (before, limit) in [(Int64.max, 100), (3_000, 7), (1_024, 1_100), (1, 5)] {
                let found = try archive.page(filter, before: before, limit: limit)
                let expected = fitting.drop { $0.number >= before }.prefix(limit)
                #expect(found.map(\.number) == expected.map(\.number), "\(place): \(filter), \(before)")
                #expect(found.map(\.row) == expected.map(\.row))
            }
        }
    }

    private static func blocks(_ archive: RequestArchive) throws -> [Int64] {
        let queue = try DatabaseQueue(path: archive.path)
        return try queue.read { try Int64.fetchAll($0, sql: "SELECT number FROM block ORDER BY number") }
    }

    @Test("what is found is what fits, in full blocks and in the one that is not, after late ones and old ones went")
    func search() throws {
        let folder = try Folder()
        let archive = try RequestArchive(path: folder.file("r.db"))
        let late = Set<Int64>([700, 2_050])
        // A gap as where requests could not be kept.
        let all = (1...9_500).map { Self.request(Int64($0)) }.filter { !(5_000...7_200).contains($0.number) }
        let timely = all.filter { !late.contains($0.number) }
        for start in stride(from: 0, to: timely.count, by: 900) {
            try archive.append(Array(timely[start..<min(start + 900, timely.count)]))
        }
        try Self.compare(archive, timely, "in time")
        #expect(try Self.blocks(archive) == [0, 1, 2, 3, 4, 7, 8])
        // What only a late one has.
        var last = all.filter { late.contains($0.number) }
        last[0].key = "nobody"
        last[1].status = 418
        try archive.append(last)
        let whole = all.map { one in last.first { $0.number == one.number } ?? one }
        try Self.compare(archive, whole, "with late ones")
        #expect(try archive.remove(before: 1_000 + 150, limit: 10_000) == 1_499)
        try Self.compare(archive, whole.filter { $0.number > 1_499 }, "without old ones")
        #expect(try Self.blocks(archive) == [1, 2, 3, 4, 7, 8])
        #expect(try archive.remove(before: .max, limit: 100_000) == all.count - 1_499)
        try Self.compare(archive, [], "without all")
        try archive.append([Self.request(9_501)])
        try Self.compare(archive, [Self.request(9_501)], "with one again")
    }

    @Test("what an earlier version has written is noted by and by, and found meanwhile")
    func earlier() throws {
        let folder = try Folder()
        _ = try RequestArchive(path: folder.file("r.db"))
        let queue = try DatabaseQueue(path: folder.file("r.db"))
        try queue.write { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)
                    INSERT INTO request SELECT i, i, 'r' || i, 'key-' || (i / 1500), 'm', NULL, ',p,', 200, 5, 7 FROM n;
                    INSERT INTO story SELECT number, 'row', '{}' FROM request;
                    """)
        }
        let archive = try RequestArchive(path: folder.file("r.db"))
        var filter = ArchiveFilter()
        filter.key = "key-2"
        func look() throws {
            let found = try archive.page(filter, before: .max, limit: 3)
            #expect(found.map(\.number) == [4_499, 4_498, 4_497])
        }
        try look()
        for step in 1...4 {
            try archive.append([Self.request(Int64(200_000 + step))])
            #expect(try Self.blocks(archive).count == min(step * Int(RequestArchive.blocksAtATime), 200_000 / 1_024))
            try look()
        }
    }

    @Test("a block of too many names tells none of them, and is looked into")
    func names() throws {
        let folder = try Folder()
        let archive = try RequestArchive(path: folder.file("r.db"))
        let requests = (1...3_000).map { number in
            var one = Self.request(Int64(number))
            one.model = "a-model-of-its-own-\(number)"
            return one
        }
        try archive.append(requests)
        var filter = ArchiveFilter()
        filter.model = "a-model-of-its-own-77"
        #expect(try archive.page(filter, before: .max, limit: 5).map(\.number) == [77])
    }
}
