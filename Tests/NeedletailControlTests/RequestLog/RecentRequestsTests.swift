import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("The request log")
struct RecentRequestsTests {
    private let clock = JumpingTime()

    private static func record(
        _ id: String, model: String = "m", provider: String? = "up", key: String? = nil, status: Int = 200,
        duration: Duration = .milliseconds(10), cost: Int64? = nil, ended: Int64 = 100
    ) -> RequestRecord {
        let record = RequestRecord(
            request: RequestInfo(
                id: id, keyName: key, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })),
            model: model, provider: provider.map { ProviderID($0) }, answeredModel: "real",
            status: status,
            outcome: Outcome(
                status < 400 ? .finished : .failed(NeedletailError(.upstreamFailed, "no")),
                usage: Usage(inputTokens: 3, outputTokens: 4)),
            isCommitted: status < 400, start: Instant(nanoseconds: 0), endWallNanoseconds: ended * 1_000_000_000,
            duration: duration)
        if let cost { record.cost.set(picoDollars: cost) }
        return record
    }

    private func log(_ count: Int, capacity: Int) -> RecentRequests {
        let log = RecentRequests(capacity: capacity, time: self.clock.source)
        for number in 0..<count { log.requestEnded(Self.record("r\(number + 1)")) }
        return log
    }

    @Test("the last ones are kept, newest first", arguments: [(0, 3), (2, 3), (3, 3), (10, 3), (7, 1)])
    func newest(_ count: Int, _ capacity: Int) {
        let page = self.log(count, capacity: capacity).newest(100)
        #expect(page.entries.map(\.record.id) == (max(0, count - capacity)..<count).reversed().map { "r\($0 + 1)" })
        #expect(page.newest == UInt64(count))
        #expect(!page.hasMore)
    }

    @Test(
        "with another size the newest stay, with their numbers, and the next ones come after them",
        arguments: [(0, 3, 5), (2, 3, 5), (10, 3, 5), (10, 5, 3), (4, 5, 3), (7, 4, 4), (7, 4, 1), (9, 1, 4)])
    func resized(_ count: Int, _ capacity: Int, _ next: Int) {
        let log = self.log(count, capacity: capacity)
        log.resize(next)
        var kept = (max(0, count - capacity)..<count).suffix(next).map { $0 + 1 }
        for number in count + 1...count + 9 {
            let page = log.newest(100)
            #expect(page.entries.map(\.record.id) == kept.reversed().map { "r\($0)" })
            #expect(page.entries.map { Int($0.number) } == kept.reversed() && page.newest == UInt64(number - 1))
            #expect(log.tail(after: 0, limit: 100, where: RequestFilter()).missed == (kept.first ?? number) - 1)
            log.requestEnded(Self.record("r\(number)"))
            kept = (kept + [number]).suffix(next)
        }
    }

    @Test("pages go on where the one before ended, and nothing is shown twice")
    func pages() {
        let log = self.log(10, capacity: 8)
        var seen: [String] = []
        var before: UInt64?
        repeat {
            let page = log.newest(3, before: before)
            seen += page.entries.map(\.record.id)
            before = page.hasMore ? page.entries.last?.number : nil
        } while before != nil
        #expect(seen == (3...10).reversed().map { "r\($0)" })
    }

    @Test("what came after an entry, oldest first, and what is not kept any more is passed over")
    func after() {
        let log = self.log(10, capacity: 4)
        #expect(log.after(8, limit: 10).entries.map(\.number) == [9, 10])
        #expect(log.after(0, limit: 10).entries.map(\.number) == [7, 8, 9, 10])
        let part = log.after(0, limit: 3)
        #expect(part.entries.map(\.number) == [7, 8, 9])
        #expect(part.newest == 9)
        #expect(part.hasMore)
        #expect(log.after(10, limit: 3).entries.isEmpty)
    }

    @Test("one is found by its id; of several the newest")
    func find() {
        let log = self.log(3, capacity: 10)
        log.requestEnded(Self.record("r2", model: "second"))
        #expect(log.find("r2")?.record.model == "second")
        #expect(log.find("r9") == nil)
    }

    @Test(
        "a filter takes what fits",
        arguments: [
            (RequestFilter(key: "alice"), ["b"]), (RequestFilter(model: "gpt-*"), ["a"]),
            (RequestFilter(model: "real"), ["a", "b", "c"]), (RequestFilter(provider: "other"), ["c"]),
            (RequestFilter(statuses: 500...599), ["c"]), (RequestFilter(slowerThan: 50), ["b"]),
            (RequestFilter(dearerThan: 5), ["a"]), (RequestFilter(since: 101), ["b", "c"]),
            (RequestFilter(until: 100), ["a"]), (RequestFilter(key: "alice", model: "gpt-*"), []),
        ])
    func filter(_ filter: RequestFilter, _ expected: [String]) {
        let log = RecentRequests(capacity: 10, time: self.clock.source)
        log.requestEnded(Self.record("a", model: "gpt-4o", cost: 5, ended: 100))
        log.requestEnded(Self.record("b", key: "alice", duration: .milliseconds(50), cost: 4, ended: 101))
        log.requestEnded(Self.record("c", provider: "other", status: 503, ended: 102))
        #expect(log.newest(10, where: filter).entries.map(\.record.id) == expected.reversed())
    }

    @Test("the series counts each step by itself and forgets what is older than an hour")
    func series() {
        let log = RecentRequests(capacity: 10, time: self.clock.source)
        self.clock.advance(by: .seconds(5))
        log.requestEnded(Self.record("a", cost: 7))
        log.requestEnded(Self.record("b", status: 503))
        self.clock.advance(by: .seconds(10))
        log.requestEnded(Self.record("c"))
        log.requestRefused(
            RefusalRecord(
                requestID: "x", surface: .openAIChat, status: 401, error: NeedletailError(.unauthorized, "no")))
        let slots = log.series(3)
        #expect(slots.map(\.requests) == [0, 2, 2])
        #expect(slots.map(\.failures) == [0, 1, 0])
        #expect(slots.map(\.refusals) == [0, 0, 1])
        #expect(slots.map(\.inputTokens) == [0, 6, 3])
        #expect(slots.map(\.picoDollars) == [0, 7, 0])
        self.clock.advance(by: .seconds(3_600))
        #expect(log.series(360).allSatisfy { $0.requests == 0 })
        log.requestEnded(Self.record("d"))
        #expect(log.series(360).map(\.requests).reduce(0, +) == 1)
    }

    @Test("percentiles are right within a fifth", arguments: UInt64(0)..<10)
    func percentiles(_ seed: UInt64) throws {
        let random = RandomSource.seeded(seed)
        var histogram = LatencyCounts()
        var values: [Double] = []
        for _ in 0..<1_000 {
            // From 2 ms to 20 s, evenly over the doublings.
            let milliseconds = 2 << Int(random.next() % 13)
            let value = milliseconds + Int(random.next() % UInt64(milliseconds))
            values.append(Double(value))
            histogram.add(.milliseconds(value))
        }
        values.sort()
        for share in [0.1, 0.5, 0.9, 0.99, 1] {
            let exact = values[max(0, Int((share * 1_000).rounded(.up)) - 1)]
            let found = try #require(histogram.percentile(share))
            #expect(found >= exact, "seed \(seed), share \(share)")
            #expect(found <= exact * 1.26, "seed \(seed), share \(share)")
        }
    }

    @Test(
        "dollars are written in full",
        arguments: [
            (Int64(0), #""0.000000""#), (1, #""0.000000000001""#), (1_500_000_000_000, #""1.500000""#),
            (-2_000_000, #""-0.000002""#),
        ])
    func dollars(_ picoDollars: Int64, _ expected: String) {
        var json = JSONWriter()
        json.beginObject()
        json.member("cost", picoDollars: picoDollars)
        json.endObject()
        #expect(String(buffer: json.bytes) == #"{"cost":"# + expected + "}")
    }
}
