import NeedletailCore
import NeedletailRouting
import Synchronization

/// The last requests with all that is known of them, and the traffic of the last hour. It holds no prompt and no reply.
final class RecentRequests: RequestObserver {
    /// A request and its place in the order in which requests ended.
    struct Entry: Sendable {
        /// Counts requests from 1.
        var number: UInt64
        var record: RequestRecord
    }

    /// Some entries, and how far they reach.
    struct Page: Sendable {
        var entries: [Entry]
        /// The number of the entry that ended last, whether or not it is shown; 0 before the first.
        var newest: UInt64
        /// Whether older ones that fit are left.
        var hasMore: Bool
    }

    private struct State {
        var ring: RequestRing
        var series = TrafficSeriesState()
        var latencies = ProviderLatencyState()
        var history: RequestHistory?
        /// The file of the last history that was left: its numbers are those that are in memory.
        var left: String?
    }

    private let time: TimeSource
    private let state: Mutex<State>
    /// Tells those who wait for the next one.
    let news = RequestNews()

    /// Creates an empty log.
    ///
    /// - Parameters:
    ///   - capacity: How many requests are kept, at least 1; about 2 KiB each.
    ///   - history: Where all of them are kept too.
    init(capacity: Int, history: RequestHistory? = nil, time: TimeSource) {
        self.time = time
        self.state = Mutex(
            State(ring: RequestRing(capacity: capacity, after: history?.last ?? 0), history: history))
        history?.begin()
    }

    /// What came before; `nil` where nothing is kept of it.
    var history: RequestHistory? { self.state.withLock { $0.history } }

    /// Keeps what ends from now on in another history, or in none. What the one before has taken it writes.
    ///
    /// What is in memory is numbered anew where the history has such numbers already.
    func replace(history: RequestHistory?) {
        let before = self.state.withLock { state -> RequestHistory? in
            guard state.history !== history else { return nil }
            if let before = state.history { state.left = before.path }
            if let history {
                // Its own numbers return with a file; another's must end before what is in memory begins.
                let isOwn = state.left == history.path && history.last <= state.ring.newest
                if !isOwn, history.last >= state.ring.oldest { state.ring.renumber(after: history.last) }
                if !isOwn { state.left = nil }
            }
            history?.begin()
            defer { state.history = history }
            return state.history
        }
        before?.end()
    }

    /// Writes to the history and forgets what is old there, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await self.time.sleep(self.time.now().advanced(by: RequestHistory.interval)) } catch { return }
            guard let history = self.history else { continue }
            await history.flush()
            await history.forget()
        }
    }

    /// Keeps more or fewer requests from now on, at least 1; the newest stay.
    func resize(_ capacity: Int) { self.state.withLock { $0.ring.resize(capacity) } }

    // MARK: RequestObserver

    func requestEnded(_ record: RequestRecord) {
        let now = self.time.now()
        let number = self.state.withLock { state in
            let number = state.ring.append(record)
            state.series.change(now: now) { Self.count(record, in: &$0) }
            state.latencies.count(record.attempts, now: now)
            // Under the lock: a history that is replaced is told of all before it ends.
            state.history?.push(Entry(number: number, record: record))
            return number
        }
        self.news.tell(number)
    }

    func requestRefused(_ refusal: RefusalRecord) {
        let now = self.time.now()
        self.state.withLock { state in
            state.series.change(now: now) { slot in
                slot.requests += 1
                if refusal.status >= 500 { slot.failures += 1 } else { slot.refusals += 1 }
            }
        }
    }

    private static func count(_ record: RequestRecord, in slot: inout TrafficSeriesState.Slot) {
        slot.requests += 1
        switch record.outcome.end {
        case .abandoned: slot.abandoned += 1
        case .failed where record.isCommitted || record.status >= 500: slot.failures += 1
        case .failed: slot.refusals += 1
        case .finished: break
        }
        slot.attempts += record.attempts.count
        slot.inputTokens += record.outcome.usage?.inputTokens ?? 0
        slot.outputTokens += record.outcome.usage?.outputTokens ?? 0
        slot.picoDollars += record.cost.picoDollars ?? 0
        guard record.isCommitted else { return }
        slot.latency.add(record.duration)
        if let first = record.timeToFirstToken { slot.firstToken.add(first) }
    }

    // MARK: Reading

    /// The traffic of the last steps, oldest first.
    func series(_ count: Int) -> [TrafficSeriesState.Slot] {
        let now = self.time.now()
        return self.state.withLock { $0.series.last(count, now: now) }
    }

    /// How long calls took at each provider in the last minutes.
    func latencies(_ minutes: Int) -> [(provider: ProviderID, columns: [[Int]])] {
        let now = self.time.now()
        return self.state.withLock { $0.latencies }.last(minutes, now: now)
    }

    /// The newest entries that fit, newest first.
    ///
    /// - Parameter before: Only entries that ended before this one; `nil` for all.
    func newest(_ limit: Int, before: UInt64? = nil, where filter: RequestFilter = RequestFilter()) -> Page {
        let ring = self.state.withLock { $0.ring }
        var page = Page(entries: [], newest: ring.newest, hasMore: false)
        var number = min(before.map { $0 == 0 ? 0 : $0 - 1 } ?? ring.newest, ring.newest)
        while number >= ring.oldest {
            let record = ring[number]
            if filter.takes(record) {
                guard page.entries.count < limit else {
                    page.hasMore = true
                    break
                }
                page.entries.append(Entry(number: number, record: record))
            }
            number -= 1
        }
        return page
    }

    /// The entries that fit and ended after one, oldest first; those that are not kept any more are passed over.
    func after(_ number: UInt64, limit: Int, where filter: RequestFilter = RequestFilter()) -> Page {
        let ring = self.state.withLock { $0.ring }
        var page = Page(entries: [], newest: ring.newest, hasMore: false)
        var next = max(number + 1, ring.oldest)
        while next <= ring.newest {
            let record = ring[next]
            if filter.takes(record) {
                guard page.entries.count < limit else {
                    page.newest = next - 1
                    page.hasMore = true
                    break
                }
                page.entries.append(Entry(number: next, record: record))
            }
            next += 1
        }
        return page
    }

    /// The number of the oldest entry in memory, or of the one that comes next.
    var oldest: UInt64 { self.state.withLock { $0.ring.oldest } }

    /// Puts other records in the place of those for which there is one.
    ///
    /// - Returns: How many there were.
    func replace(_ other: (RequestRecord) -> RequestRecord?) -> Int {
        self.state.withLock { $0.ring.replace(other) }
    }

    /// What ended after an entry, for one who reads along: of at most `limit` entries those that fit, oldest first.
    ///
    /// Nothing but these is copied, so that whoever reads along with much traffic does not have the log copied for each.
    ///
    /// - Returns: The entries, with the number of the last one that was looked at, and how many were gone before.
    func tail(
        after number: UInt64, limit: Int, where filter: RequestFilter
    ) -> (page: Page, missed: Int) {
        let (found, newest, missed) = self.state.withLock { state in
            let first = max(number, state.ring.oldest - 1)
            var found: [Entry] = []
            var last = first
            while last < state.ring.newest, found.count < limit {
                found.append(Entry(number: last + 1, record: state.ring[last + 1]))
                last += 1
            }
            return (found, state.ring.newest, Int(first - min(first, number)))
        }
        let last = found.last?.number ?? max(number, newest)
        return (
            Page(entries: found.filter { filter.takes($0.record) }, newest: last, hasMore: last < newest), missed
        )
    }

    /// The request with an id; of several, which clients may choose alike, the newest.
    func find(_ id: String) -> Entry? {
        let ring = self.state.withLock { $0.ring }
        var number = ring.newest
        while number >= ring.oldest {
            let record = ring[number]
            if record.id == id { return Entry(number: number, record: record) }
            number -= 1
        }
        return nil
    }
}
