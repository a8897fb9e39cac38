public import Logging
public import NIOCore
import NIOPosix
public import NeedletailCore

/// The production transport: pooled connections to one origin, kept on the event loops that use them.
///
/// A request that is sent from a task on one of the group's loops (see ``LoopTaskExecutor``) uses that loop's
/// connections: no hop, no contended lock. From elsewhere a loop is chosen in turn. Limits hold for all loops.
///
/// A request whose *reused* connection turns out to have been closed or reset at once, before any byte of the answer came, is sent
/// once more on a new connection, whatever its method (RFC 9112, 9.3.1: a server may close an idle connection at any
/// time). Nothing else is repeated; errors after the request was written say that it may have been processed.
public final class UpstreamPool: HTTPTransport {
    /// A pool's counters.
    public struct Counters: Sendable, Hashable {
        /// Connections open or being opened.
        public var open: Int
        /// Open connections without a request.
        public var idle: Int
        /// The others.
        public var inUse: Int
        /// Requests that wait for a connection.
        public var waiters: Int
        /// Requests repeated because their pooled connection had gone stale.
        public var staleRetries: Int

        /// Creates counters.
        public init(open: Int, idle: Int, inUse: Int, waiters: Int, staleRetries: Int) {
            self.open = open
            self.idle = idle
            self.inUse = inUse
            self.waiters = waiters
            self.staleRetries = staleRetries
        }
    }

    /// Where the connections go.
    public let origin: Origin
    private let group: any EventLoopGroup
    private let time: TimeSource
    private let state: PoolState
    private let shards: [ObjectIdentifier: NIOLoopBoundBox<LoopShard>]
    private let loops: [any EventLoop]

    /// Creates a pool without connections.
    ///
    /// - Throws: `.invalidRequest` for CA certificates that cannot be read and for an origin or a proxy authorization
    ///   that cannot stand in a request.
    public init(
        origin: Origin,
        options: TransportOptions = TransportOptions(),
        group: any EventLoopGroup,
        time: TimeSource,
        logger: Logger
    ) throws(NeedletailError) {
        // Host and credentials go into every request's head as they are.
        guard try Origin(url: origin.description) == origin else {
            throw NeedletailError(.invalidRequest, "The origin's host is not written as a URL would have it.")
        }
        if case .http(let proxy) = options.proxy, let value = proxy.authorization {
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw NeedletailError(.invalidRequest, "The proxy's authorization holds a control character.")
            }
        }
        self.origin = origin
        self.group = group
        self.time = time
        let state = PoolState(options)
        self.state = state
        let tls = origin.scheme == .https ? try TLSClient(options.tls, allowsHTTP2: options.allowsHTTP2) : nil
        let loops = Array(group.makeIterator())
        self.loops = loops
        var shards: [ObjectIdentifier: NIOLoopBoundBox<LoopShard>] = [:]
        for loop in loops {
            shards[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeBoxSendingValue(
                LoopShard(
                    loop: loop, origin: origin, options: options, time: time, logger: logger, tls: tls, state: state
                ),
                eventLoop: loop
            )
        }
        self.shards = shards
        state.setShards(loops.compactMap { loop in shards[ObjectIdentifier(loop)].map { (loop, $0) } })
    }

    /// A pool that is dropped without ``shutdown()`` lets running requests end.
    deinit {
        self.state.setShards([])
        guard !self.state.isShutDown else { return }
        self.state.beginShutdown()
        for loop in self.loops {
            guard let shard = self.shards[ObjectIdentifier(loop)] else { continue }
            loop.execute { shard.value.closeIdle() }
        }
    }

    /// Sends `request`; see the type's description for what is repeated.
    public func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        let exchange = Exchange(request, start: self.time.now())
        if let error = exchange.startError { throw error }
        if let loop = MultiThreadedEventLoopGroup.currentEventLoop, let shard = self.shards[ObjectIdentifier(loop)] {
            shard.value.start(exchange)
        } else {
            let loop = self.group.next()
            guard let shard = self.shards[ObjectIdentifier(loop)] else {
                throw NeedletailError(.internalFailure, "The event loop group changed its loops.")
            }
            loop.execute { shard.value.start(exchange) }
        }
        let head = try await exchange.waitForHead()
        return TransportResponse(status: head.status, headers: head.headers, body: TransportBody(exchange))
    }

    /// The counters as they stand.
    public var counters: Counters { self.state.counters }

    /// Fails what runs or waits, closes all connections, and returns when every loop has begun to.
    public func shutdown() async {
        self.state.beginShutdown()
        await self.onEveryLoop { $0.shutDown() }
    }

    /// See ``shutdown()``.
    public func close() async { await self.shutdown() }

    /// Looks at all limits now, for tests that own the clock; otherwise a tick of each loop does.
    package func checkLimits() async {
        await self.onEveryLoop { $0.checkLimits() }
    }

    private func onEveryLoop(_ action: @escaping @Sendable (LoopShard) -> Void) async {
        for loop in self.loops {
            guard let shard = self.shards[ObjectIdentifier(loop)] else { continue }
            try? await loop.submit { action(shard.value) }.get()
        }
    }
}
