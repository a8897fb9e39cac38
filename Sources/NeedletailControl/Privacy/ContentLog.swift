import Logging
import NeedletailCore
import NeedletailProviders
import NeedletailRouting
import NeedletailStore
import Synchronization

/// Keeps what was said, redacted, for as long as the operator says. Off unless configured.
///
/// Requests wait in a bounded queue and are read, redacted and written on the store's thread; none waits for it. What does
/// not fit is left out and counted: it is no ledger.
final class ContentLog: Sendable {
    /// The most bytes of requests and replies that wait.
    private static let mostBytes = 32 << 20
    /// The most requests that wait.
    private static let mostRecords = 4_096
    /// Requests in one transaction, and in one turn on the store's thread.
    static let batch = 256
    /// How often what is too old is deleted.
    private static let sweep = Duration.seconds(60)

    private struct State {
        var records: [(record: ContentRecord, wallMilliseconds: Int64)] = []
        var bytes = 0
        var written = 0
        var dropped = 0
        var settings: ContentConfiguration?
    }

    private let state: Mutex<State>
    private let time: TimeSource
    private let notice: StoreNotice

    init(_ settings: ContentConfiguration?, time: TimeSource, logger: Logger) {
        self.state = Mutex(State(settings: settings))
        self.time = time
        self.notice = StoreNotice(
            away: "What was said cannot be kept and is left out", back: "What was said is kept again.", logger: logger)
    }

    /// What a new configuration says.
    func replace(_ settings: ContentConfiguration?) {
        self.state.withLock { $0.settings = settings }
    }

    /// Requests that were written, and that were left out.
    var counts: (written: Int, dropped: Int) { self.state.withLock { ($0.written, $0.dropped) } }

    /// Takes a request that has ended.
    func keep(_ record: ContentRecord) {
        let wall = self.time.wallNanoseconds() / 1_000_000
        let size = record.size
        self.state.withLock { state in
            guard state.records.count < Self.mostRecords, state.bytes + size <= Self.mostBytes else {
                state.dropped += 1
                return
            }
            state.bytes += size
            state.records.append((record, wall))
        }
    }

    /// Forgets what waits of a user.
    ///
    /// - Returns: Of how many requests.
    func erase(user: String, tenant: String?) -> Int {
        self.state.withLock { state in
            let count = state.records.count
            state.records.removeAll {
                $0.record.request.user == user && (tenant == nil || $0.record.info.tenant == tenant)
            }
            state.bytes = state.records.reduce(0) { $0 + $1.record.size }
            return count - state.records.count
        }
    }

    /// How many calls of ``write(to:)`` it takes to write what waits now.
    var waitingBatches: Int { self.state.withLock { ($0.records.count + Self.batch - 1) / Self.batch } }

    /// Writes what waits now, a batch at a time: between two the store's thread grants budgets. What comes meanwhile is for
    /// the next time.
    func flush(_ store: GatewayStore, _ file: SQLiteStore) async throws(NeedletailError) {
        for _ in 0..<self.waitingBatches {
            let isMore = try await store.perform { () throws(NeedletailError) -> Bool in self.write(to: file) }
            guard isMore else { return }
        }
    }

    /// Writes one batch of what waits, on the store's thread.
    ///
    /// - Returns: Whether more waits.
    func write(to file: SQLiteStore) -> Bool {
        let (batch, limit, isMore) = self.state.withLock { state in
            let batch = Array(state.records.prefix(Self.batch))
            state.records.removeFirst(batch.count)
            for entry in batch { state.bytes -= entry.record.size }
            let limit = state.settings?.maximumSize ?? ContentConfiguration.usualSize
            return (batch, limit, !state.records.isEmpty)
        }
        guard !batch.isEmpty else { return false }
        let contents = batch.map {
            $0.record.stored(at: $0.wallMilliseconds, limit: limit, dialects: { $0.dialect })
        }
        do throws(NeedletailError) {
            try file.append(contents)
            self.tell(nil, written: contents.count, dropped: 0)
        } catch {
            self.tell(error, written: 0, dropped: contents.count)
        }
        return isMore
    }

    private func tell(_ error: NeedletailError?, written: Int, dropped: Int) {
        self.state.withLock { state in
            state.written += written
            state.dropped += dropped
        }
        self.notice.note(error)
    }

    /// Deletes what is too old, on the store's thread; all of it where nothing is to be kept any more.
    func sweep(_ file: SQLiteStore) {
        let now = self.time.wallNanoseconds() / 1_000_000
        let retention = self.state.withLock { $0.settings?.retention }
        do throws(NeedletailError) {
            try file.deleteContent(before: retention.map { now - $0.wholeNanoseconds / 1_000_000 } ?? .max)
        } catch {
            self.tell(error, written: 0, dropped: 0)
        }
    }

    /// Writes every second, and deletes every minute, until the task is cancelled.
    func run(_ store: GatewayStore, _ file: SQLiteStore) async {
        var swept: Instant?
        while !Task.isCancelled {
            let now = self.time.now()
            let isDue = swept.map { now.duration(since: $0) >= Self.sweep } ?? true
            if isDue { swept = now }
            do throws(NeedletailError) {
                try await self.flush(store, file)
                if isDue { try await store.perform { () throws(NeedletailError) -> Void in self.sweep(file) } }
            } catch {
                return
            }
            do { try await self.time.sleep(now.advanced(by: .seconds(1))) } catch { return }
        }
    }
}
