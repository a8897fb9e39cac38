import Foundation
import Logging
import NIOHTTP1
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("The request log: history on disk", .timeLimit(.minutes(5)))
final class RequestHistoryTests {
    private let clock = JumpingTime()
    private let path = FileManager.default.temporaryDirectory.appending(path: "requests-\(UUID().uuidString).db").path()

    deinit {
        for end in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: self.path + end) }
    }

    private func history(retention: Duration = .seconds(86_400)) throws -> RequestHistory {
        try RequestHistory(
            path: self.path, retention: retention, time: self.clock.source,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private static func record(_ index: Int) -> RequestRecord {
        let info = RecordSamples.info("r\(index)", key: index % 3 == 0 ? "dev" : "other")
        let error = index % 4 == 0 ? NeedletailError(.timedOut, "Late.", provider: "slow") : nil
        let attempt = RecordSamples.attempt(info, provider: index % 5 == 0 ? "five" : "main")
        return RecordSamples.request(info, model: "m\(index % 2)", attempts: [attempt], error: error)
    }

    private struct Listed {
        var ids: [String]
        var before: Int?
    }

    private static func list(_ log: RecentRequests, _ query: [String: String]) async throws -> Listed {
        let room = RequestsRoom(log: log, time: JumpingTime().source)
        let route = try #require(room.routes.first)
        let reply = try await route.handler(AdminRequest(caller: .local, query: query))
        let json = try JSONDocument(reply.body).root
        return Listed(
            ids: json["data"]?.elements.compactMap { $0["id"]?.string } ?? [], before: json["next_before"]?.int)
    }

    @Test(
        "a list goes on on disk where memory ends, with the same filters, and shows nothing twice",
        arguments: [
            [:], ["key": "dev"], ["model": "m1"], ["model": "g*"], ["provider": "five"], ["provider": "slow"],
            ["status": "5xx"], ["status": "200"], ["min_duration_ms": "120"], ["min_duration_ms": "121"],
            ["min_cost_usd": "0.1"], ["since": "1700000000"], ["until": "1"], ["key": "dev", "status": "504"],
        ] as [[String: String]])
    func pages(_ filter: [String: String]) async throws {
        let history = try self.history()
        let (small, large) = (
            RecentRequests(capacity: 7, history: history, time: self.clock.source),
            RecentRequests(capacity: 1_000, time: self.clock.source)
        )
        for index in 1...100 {
            small.requestEnded(Self.record(index))
            large.requestEnded(Self.record(index))
        }
        let expected = try await Self.list(large, filter.merging(["limit": "1000"]) { $1 }).ids
        var seen: [String] = []
        var before: Int?
        repeat {
            var query = filter.merging(["limit": "9"]) { $1 }
            if let before { query["before"] = "\(before)" }
            let page = try await Self.list(small, query)
            seen += page.ids
            before = page.before
        } while before != nil
        #expect(seen == expected)
        await history.close()
    }

    @Test("numbers and stories go on over a restart")
    func restart() async throws {
        let first = try self.history()
        let log = RecentRequests(capacity: 10, history: first, time: self.clock.source)
        for index in 1...5 { log.requestEnded(Self.record(index)) }
        await first.close()
        let second = try self.history()
        let next = RecentRequests(capacity: 10, history: second, time: self.clock.source)
        next.requestEnded(Self.record(6))
        #expect(next.newest(10).newest == 6)
        let ids = try await Self.list(next, [:]).ids
        #expect(ids == ["r6", "r5", "r4", "r3", "r2", "r1"])
        #expect(try second.find("r2")?.contains("\"calls\":[{") == true)
        #expect(try second.find("nobody") == nil)
        await second.close()
    }

    @Test("what is older than it is to be kept is forgotten")
    func retention() async throws {
        // The samples ended at 1,700,000,000 seconds, where the clock begins.
        let history = try self.history(retention: .seconds(60))
        let log = RecentRequests(capacity: 1, history: history, time: self.clock.source)
        for index in 1...5 { log.requestEnded(Self.record(index)) }
        await history.flush()
        #expect(try history.find("r1") != nil)
        self.clock.advance(by: .seconds(61))
        await history.forget()
        #expect(try history.find("r1") == nil && history.find("r5") == nil)
        await history.close()
    }

    @Test("a history that is switched on and off has what ended while it was on, and pages show it once")
    func replaced() async throws {
        let log = RecentRequests(capacity: 10, time: self.clock.source)
        func end(_ indices: ClosedRange<Int>) { for index in indices { log.requestEnded(Self.record(index)) } }
        end(1...2)
        log.replace(history: try self.history())
        end(3...4)
        log.replace(history: nil)
        end(5...5)
        // The file is whole when its thread has ended, which nobody waits for.
        while try self.history().find("r4") == nil, !Task.isCancelled { try await Task.sleep(for: .milliseconds(2)) }
        let again = try self.history()
        #expect(try again.find("r2") == nil && again.find("r3") != nil && again.find("r5") == nil)
        // The same file again: its numbers are those in memory.
        log.replace(history: try self.history())
        #expect(try await Self.list(log, [:]).ids == ["r5", "r4", "r3", "r2", "r1"])
        log.replace(history: nil)
        // A file whose numbers are taken already: what is in memory comes after them.
        let fresh = RecentRequests(capacity: 2, time: self.clock.source)
        for index in 6...8 { fresh.requestEnded(Self.record(index)) }
        fresh.replace(history: again)
        fresh.requestEnded(Self.record(9))
        #expect(fresh.newest(10).entries.map(\.record.id) == ["r9", "r8"] && fresh.oldest > again.last)
        #expect(try await Self.list(fresh, [:]).ids == ["r9", "r8", "r4", "r3"])
        await again.close()
        // And another file whose numbers lie among those in memory: it has r3, r4 and r9 as its 3, 4 and 7.
        let among = RecentRequests(capacity: 10, time: self.clock.source)
        for index in 1...9 { among.requestEnded(Self.record(index)) }
        let third = try self.history()
        among.replace(history: third)
        let memory = (1...9).reversed().map { "r\($0)" }
        #expect(try await Self.list(among, [:]).ids == memory + ["r9", "r4", "r3"] && among.oldest > third.last)
        await third.close()
    }
}
