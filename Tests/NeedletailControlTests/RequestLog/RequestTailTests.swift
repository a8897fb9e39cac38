import Foundation
import Logging
import NIOCore
import NeedletailCore
import NeedletailRouting
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("The tail of the request log")
struct RequestTailTests {
    private static func record(_ id: String, model: String = "m", status: Int = 200) -> RequestRecord {
        RequestRecord(
            request: RequestInfo(id: id, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })),
            model: model, status: status,
            outcome: Outcome(status < 400 ? .finished : .failed(NeedletailError(.upstreamFailed, "no"))),
            isCommitted: status < 400, start: Instant(nanoseconds: 0), endWallNanoseconds: 0, duration: .zero)
    }

    /// What is in a chunk: ids of requests, counts of what was missed, comments.
    private static func events(_ chunk: ByteBuffer) -> [String] {
        String(buffer: chunk).components(separatedBy: "\n\n").filter { !$0.isEmpty }.map { block in
            let lines = block.split(separator: "\n").map(String.init)
            if lines[0].hasPrefix(":") { return "comment" }
            if let id = lines.first(where: { $0.hasPrefix("id: ") }) {
                return lines.contains("event: request") ? String(id.dropFirst(4)) : "?"
            }
            return lines.joined(separator: " ")
        }
    }

    private final class Notes: Sendable {
        private let lines = Mutex<[String]>([])
        var all: [String] { self.lines.withLock { $0 } }
        func add(_ more: [String]) { self.lines.withLock { $0 += more } }
    }

    /// Reads until the tail ends or has sent so many chunks.
    private static func read(
        _ log: RecentRequests, _ time: TimeSource, _ notes: Notes, after: UInt64? = nil,
        filter: RequestFilter = RequestFilter(), chunks: Int = .max
    ) async {
        let stream = ReplyStream(
            dialect: .openAIChat,
            reader: RequestTail(log, filter, after: after, time: time) { notes.add(["released"]) })
        var iterator = stream.makeAsyncIterator()
        for _ in 0..<chunks {
            guard let chunk = try? await iterator.next() else { return notes.add(["end"]) }
            notes.add(Self.events(chunk).map { "\($0) at \(time.now().nanoseconds / 1_000_000_000)" })
        }
    }

    @Test("requests come as they end, comments while none does, and the end when the process ends")
    func follow() {
        let executor = VirtualExecutor()
        let time = executor.time
        let log = RecentRequests(capacity: 10, time: time)
        let notes = Notes()
        let ending = executor.run {
            log.requestEnded(Self.record("before"))
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await Self.read(log, time, notes) }
                for second in [1, 2, 40] as [Int64] {
                    try? await time.sleep(Instant(nanoseconds: second * 1_000_000_000))
                    log.requestEnded(Self.record("r\(second)"))
                }
                try? await time.sleep(Instant(nanoseconds: 41_000_000_000))
                log.news.close()
            }
        }
        #expect(ending == .finished)
        #expect(
            notes.all == [
                "comment at 0", "2 at 1", "3 at 2", "comment at 17", "comment at 32", "4 at 40", "end", "released",
            ])
        #expect(log.news.waiting == 0)
    }

    @Test(
        "who comes back goes on where it was, is told what it missed, and begins anew after a restart",
        arguments: [
            (3, ["comment", "4", "5", "6"]), (6, ["comment"]),
            (1, ["comment", #"event: missed data: {"count":1}"#, "3", "4", "5", "6"]),
            (900, ["comment", #"event: missed data: {"count":2}"#, "3", "4", "5", "6"]),
        ] as [(UInt64, [String])])
    func resume(_ after: UInt64, _ expected: [String]) async throws {
        let time = JumpingTime().source
        let log = RecentRequests(capacity: 4, time: time)
        for number in 1...6 { log.requestEnded(Self.record("r\(number)")) }
        let notes = Notes()
        await Self.read(log, time, notes, after: after, chunks: 1)
        #expect(notes.all == expected.map { "\($0) at 0" } + ["released"])
    }

    @Test("only what fits is sent, and the rest is passed over")
    func filtered() async {
        let time = JumpingTime().source
        let log = RecentRequests(capacity: 1_000, time: time)
        for number in 1...300 {
            log.requestEnded(Self.record("r", model: number % 100 == 0 ? "wanted" : "other"))
        }
        log.news.close()
        let notes = Notes()
        var filter = RequestFilter()
        filter.model = "wanted"
        await Self.read(log, time, notes, after: 0, filter: filter)
        #expect(notes.all == ["comment at 0", "100 at 0", "200 at 0", "300 at 0", "end", "released"])
    }

    @Test("a reader who leaves waits no longer")
    func cancelled() {
        let executor = VirtualExecutor()
        let time = executor.time
        let log = RecentRequests(capacity: 4, time: time)
        let notes = Notes()
        let ending = executor.run {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await Self.read(log, time, notes) }
                try? await time.sleep(Instant(nanoseconds: 3_000_000_000))
                group.cancelAll()
            }
        }
        #expect(ending == .finished)
        #expect(notes.all == ["comment at 0", "end", "released"])
        #expect(executor.now == Instant(nanoseconds: 3_000_000_000) && log.news.waiting == 0)
    }

    @Test("seats are limited, and free again when a reader leaves")
    func seats() {
        let seats = TailSeats()
        for _ in 0..<TailSeats.count { #expect(seats.take()) }
        #expect(!seats.take() && seats.inUse == TailSeats.count)
        seats.leave()
        #expect(seats.take())
    }
}
