import DequeModule
import NIOCore
import NeedletailCore
import Synchronization

/// What the loops of one pool share: the limits' counters, and the requests that wait for a connection.
///
/// Counters are taken before the thing they count and given back after it, so a limit is never passed.
final class PoolState: Sendable {
    private let maximumConnections: Int
    private let maximumIdle: Int
    private let maximumWaiters: Int
    private let open = Atomic<Int>(0)
    private let idle = Atomic<Int>(0)
    private let waiting = Atomic<Int>(0)
    private let retries = Atomic<Int>(0)
    private let shutDown = Atomic<Bool>(false)
    private let waiters = Mutex(Deque<Waiter>())
    private let shards = Mutex<[(loop: any EventLoop, shard: NIOLoopBoundBox<LoopShard>)]>([])

    /// A request without a connection.
    struct Waiter {
        let exchange: Exchange
        let clock: ExchangeClock
    }

    init(_ options: TransportOptions) {
        self.maximumConnections = options.maximumConnections
        self.maximumIdle = options.maximumIdlePerHost
        self.maximumWaiters = options.maximumWaiters
    }

    /// The counters as they stand.
    var counters: UpstreamPool.Counters {
        let open = self.open.load(ordering: .relaxed)
        let idle = self.idle.load(ordering: .relaxed)
        return UpstreamPool.Counters(
            open: open,
            idle: idle,
            inUse: max(0, open - idle),
            waiters: self.waiting.load(ordering: .relaxed),
            staleRetries: self.retries.load(ordering: .relaxed)
        )
    }

    var isShutDown: Bool { self.shutDown.load(ordering: .relaxed) }
    func beginShutdown() { self.shutDown.store(true, ordering: .sequentiallyConsistent) }
    func countRetry() { self.retries.wrappingAdd(1, ordering: .relaxed) }

    // MARK: Loops

    /// Says which loops there are; emptied when the pool goes, since a shard holds this object.
    func setShards(_ shards: [(loop: any EventLoop, shard: NIOLoopBoundBox<LoopShard>)]) {
        self.shards.withLock { $0 = shards }
    }

    /// Asks the other loops to give their idle connections to those that wait.
    func wakeLoops(except own: any EventLoop) {
        for (loop, shard) in self.shards.withLock({ $0 }) where loop !== own {
            loop.execute { shard.value.serveWaiters() }
        }
    }

    // MARK: Connections

    /// Takes the right to open a connection.
    func reserveConnection() -> Bool { Self.take(self.open, upTo: self.maximumConnections) }
    /// Gives it back.
    func releaseConnection() { self.open.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    /// Counts an idle connection.
    func countIdle() { self.idle.wrappingAdd(1, ordering: .sequentiallyConsistent) }
    /// Whether more connections are idle than are to be kept.
    var hasSurplus: Bool { self.idle.load(ordering: .sequentiallyConsistent) > self.maximumIdle }
    /// Counts one less.
    func releaseIdle() { self.idle.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    /// Whether some loop has an idle connection.
    var hasIdle: Bool { self.idle.load(ordering: .sequentiallyConsistent) > 0 }

    private static func take(_ counter: borrowing Atomic<Int>, upTo limit: Int) -> Bool {
        var value = counter.load(ordering: .sequentiallyConsistent)
        while value < limit {
            let (exchanged, original) = counter.weakCompareExchange(
                expected: value, desired: value + 1, ordering: .sequentiallyConsistent
            )
            if exchanged { return true }
            value = original
        }
        return false
    }

    // MARK: Waiters

    var hasWaiters: Bool { self.waiting.load(ordering: .sequentiallyConsistent) > 0 }

    /// Queues a request; `false` if the queue is full.
    func enqueue(_ waiter: Waiter) -> Bool {
        self.waiters.withLock { waiters in
            if waiters.count >= self.maximumWaiters { waiters.removeAll { $0.exchange.isOver } }
            guard waiters.count < self.maximumWaiters else { return false }
            waiters.append(waiter)
            self.waiting.store(waiters.count, ordering: .sequentiallyConsistent)
            return true
        }
    }

    /// The request that has waited longest and still does.
    func dequeue() -> Exchange? {
        guard self.hasWaiters else { return nil }
        return self.waiters.withLock { waiters in
            defer { self.waiting.store(waiters.count, ordering: .sequentiallyConsistent) }
            while let waiter = waiters.popFirst() {
                if !waiter.exchange.isOver { return waiter.exchange }
            }
            return nil
        }
    }

    /// Takes out the requests whose time is over by `now`; all of them if `now` is `nil`.
    func expire(at now: Instant?) -> [(exchange: Exchange, error: NeedletailError?)] {
        guard self.hasWaiters else { return [] }
        return self.waiters.withLock { waiters in
            var expired: [(exchange: Exchange, error: NeedletailError?)] = []
            waiters.removeAll { waiter in
                if waiter.exchange.isOver { return true }
                let error = now.flatMap { waiter.clock.expired(at: $0) }
                guard now == nil || error != nil else { return false }
                expired.append((waiter.exchange, error))
                return true
            }
            self.waiting.store(waiters.count, ordering: .sequentiallyConsistent)
            return expired
        }
    }
}
