import Logging
import NIOPosix
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailControl

/// What goes into the ledger while calls go on.
@Suite("Ledger writer", .timeLimit(.minutes(5)))
struct LedgerWriterTests {
    /// Keeps lines, refuses them while it is away, and lets more calls end while it writes.
    private final class Store: LedgerStore {
        struct State {
            var lines: [LedgerLine] = []
            var isAway = false
            var during: (@Sendable () -> Void)?
        }

        let state = Mutex(State())

        func append(_ lines: [LedgerLine], booking changes: [BudgetChange]) throws(NeedletailError) {
            self.state.withLock { $0.during }?()
            let isAway = self.state.withLock { state in
                if !state.isAway { state.lines += lines }
                return state.isAway
            }
            if isAway { throw NeedletailError(.unavailable, "away") }
        }

        func costs(_ question: CostQuestion) throws(NeedletailError) -> CostReport {
            throw NeedletailError(.unsupported, "not asked here")
        }

        func removeLines(before moment: Int64, atMost count: Int) throws(NeedletailError) -> Int { 0 }
    }

    private static func end(_ calls: Int, _ writer: LedgerWriter) {
        for number in 0..<calls {
            writer.attemptEnded(
                AttemptRecord(
                    request: RequestInfo(id: "r\(number)", logger: Logger(label: "test")), provider: "p", model: "m",
                    start: Instant(nanoseconds: 0), duration: .zero, outcome: Outcome(.finished), isCommitted: true))
        }
    }

    @Test("what was added up while the store was away is written at once, whatever comes meanwhile")
    func sums() async throws {
        let store = Store()
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        var configuration = StoreConfiguration()
        configuration.bufferLimit = 4
        let writer = LedgerWriter(
            store: store, thread: thread, configuration: configuration, time: .live, logger: Logger(label: "test"))
        store.state.withLock { $0.isAway = true }
        Self.end(10, writer)
        await #expect(throws: NeedletailError.self) { try await writer.flush() }
        #expect(writer.waiting == 5)
        store.state.withLock { state in
            state.isAway = false
            // One each time, for as long as is written.
            state.during = { Self.end(1, writer) }
        }
        try await writer.flush()
        #expect(store.state.withLock { $0.lines.reduce(0) { $0 + $1.calls } } == 10)
        #expect(writer.waiting == 2)
        store.state.withLock { $0.during = nil }
        await writer.close()
        #expect(store.state.withLock { $0.lines.reduce(0) { $0 + $1.calls } } == 12)
        #expect(writer.waiting == 0)
        try await thread.shutdownGracefully()
    }
}
