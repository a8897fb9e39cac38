import Logging
import NIOCore
import NeedletailCore

/// A pool's part on one event loop: its connections, dials and the tick that watches their limits.
///
/// Touched on its loop only. A request is carried by, in this order: an open HTTP/2 connection of the loop, the idle
/// connection used last, a new connection, and, at the limit, whichever connection of any loop becomes free first.
final class LoopShard {
    /// How often limits are looked at while something is in flight. A limit is kept within this.
    private static let busyTick = TimeAmount.milliseconds(50)
    /// How soon after a request was written a reused connection must end for it to have been stale: a close that crossed
    /// the request arrives within a round trip. Later, the peer has most likely read the request and failed on it.
    static let staleWindow = Duration.milliseconds(250)
    /// How long an idle connection stays that is more than are to be kept: requests come in bursts, and one that has to
    /// dial again costs more than a socket for a second.
    private static let surplusTime = Duration.seconds(1)
    /// How often they are when only idle connections are there.
    private static let idleTick = TimeAmount.seconds(1)

    let loop: any EventLoop
    let origin: Origin
    let options: TransportOptions
    let encoder: RequestEncoder
    let flushes: TurnFlushes
    let time: TimeSource
    let logger: Logger
    let tls: TLSClient?
    let state: PoolState

    private var idle: [HTTP1Connection] = []
    private var connections: [HTTP1Connection] = []
    private var dials: [Dial] = []
    private var streams: HTTP2Connection?
    private var retired: [HTTP2Connection] = []
    /// Requests that wait to learn whether the first connection speaks HTTP/2.
    private var unsettled: [PoolState.Waiter] = []
    /// What the upstream chose last time.
    private var speaksHTTP2: Bool?
    private var hasTick = false

    init(
        loop: any EventLoop,
        origin: Origin,
        options: TransportOptions,
        time: TimeSource,
        logger: Logger,
        tls: TLSClient?,
        state: PoolState
    ) {
        self.loop = loop
        self.origin = origin
        self.options = options
        self.encoder = RequestEncoder(origin: origin, proxy: options.proxy)
        self.flushes = TurnFlushes(loop)
        self.time = time
        self.logger = logger
        self.tls = tls
        self.state = state
    }

    // MARK: Requests

    /// Finds a carrier for the exchange.
    func start(_ exchange: Exchange) {
        guard !self.state.isShutDown else {
            exchange.fail(Self.shutDownError)
            return
        }
        self.ensureTick()
        if let streams = self.streams, streams.carry(exchange) { return }
        while let connection = self.takeIdle() {
            guard connection.isUsable else { continue }
            connection.carry(exchange)
            return
        }
        if self.tls?.offersHTTP2 == true, self.speaksHTTP2 != false, !self.dials.isEmpty {
            self.unsettled.append(self.waiter(exchange))
            return
        }
        if self.state.reserveConnection() {
            self.dial(exchange)
        } else {
            self.wait(exchange)
        }
    }

    /// Sends an exchange again whose pooled connection was found closed; `withSlot` says that the right to open the
    /// connection's successor comes along.
    func retry(_ exchange: Exchange, withSlot: Bool) {
        self.state.countRetry()
        if withSlot || self.state.reserveConnection() {
            self.dial(exchange)
        } else {
            self.wait(exchange)
        }
    }

    /// Gives idle connections, and room for streams, to those that wait.
    func serveWaiters() {
        if let streams = self.streams { self.streamFree(streams) }
        while self.state.hasWaiters, let connection = self.takeIdle() {
            guard connection.isUsable else { continue }
            guard let exchange = self.state.dequeue() else {
                self.connectionFree(connection)
                return
            }
            self.ensureTick()
            connection.carry(exchange)
        }
    }

    private func wait(_ exchange: Exchange) {
        guard self.state.enqueue(self.waiter(exchange)) else {
            exchange.fail(
                NeedletailError(
                    .unavailable,
                    "All \(self.options.maximumConnections) connections to the provider are in use and "
                        + "\(self.options.maximumWaiters) requests wait already."
                )
            )
            return
        }
        // Something may have become free between the look and the queueing.
        self.serveWaiters()
        self.replaceClosed()
        let mayHelp = self.state.hasIdle || self.tls?.offersHTTP2 == true
        if mayHelp, self.state.hasWaiters { self.state.wakeLoops(except: self.loop) }
    }

    private func waiter(_ exchange: Exchange) -> PoolState.Waiter {
        PoolState.Waiter(
            exchange: exchange, clock: ExchangeClock(exchange, phase: .connecting, now: self.time.now())
        )
    }

    // MARK: Connections

    /// Dials for an exchange; the right to do so has been taken.
    private func dial(_ exchange: Exchange) {
        let dial = Dial(exchange, shard: self)
        self.dials.append(dial)
        self.ensureTick()
        dial.start()
    }

    /// A dial has brought an HTTP/1.1 connection.
    func dialed(_ dial: Dial, _ connection: HTTP1Connection) {
        self.speaksHTTP2 = false
        self.add(connection)
        connection.carry(dial.exchange)
        self.forget(dial)
    }

    /// A dial has brought an HTTP/2 connection.
    func dialed(_ dial: Dial, _ connection: HTTP2Connection) {
        self.speaksHTTP2 = true
        let replaced = self.streams
        self.streams = connection
        if let replaced {
            self.retired.append(replaced)
            replaced.retire()
        }
        if !connection.carry(dial.exchange) { self.wait(dial.exchange) }
        self.forget(dial)
    }

    /// A dial has failed or was given up; its right to a connection is free again.
    func dialEnded(_ dial: Dial) {
        self.forget(dial)
        self.releaseConnection()
    }

    private func forget(_ dial: Dial) {
        self.dials.removeAll { $0 === dial }
        let unsettled = self.unsettled
        self.unsettled = []
        for waiter in unsettled where !waiter.exchange.isOver { self.start(waiter.exchange) }
    }

    private func add(_ connection: HTTP1Connection) {
        connection.slot = self.connections.count
        self.connections.append(connection)
    }

    /// A connection has carried its exchange and can carry another.
    func connectionFree(_ connection: HTTP1Connection) {
        guard !self.state.isShutDown else {
            connection.close()
            return
        }
        if let exchange = self.state.dequeue() {
            connection.carry(exchange)
            return
        }
        self.state.countIdle()
        self.idle.append(connection)
        if self.state.hasWaiters { self.serveWaiters() }
    }

    /// A connection has closed; `holdsSlot` is false if its right to be open has gone to its successor.
    func connectionClosed(_ connection: HTTP1Connection, holdsSlot: Bool) {
        guard connection.slot >= 0 else { return }
        if let last = self.connections.popLast(), last !== connection {
            self.connections[connection.slot] = last
            last.slot = connection.slot
        }
        connection.slot = -1
        if let index = self.idle.lastIndex(where: { $0 === connection }) {
            self.idle.remove(at: index)
            self.state.releaseIdle()
        }
        if holdsSlot { self.releaseConnection() }
    }

    /// An HTTP/2 connection takes no more streams.
    func connectionRetired(_ connection: HTTP2Connection) {
        guard self.streams === connection else { return }
        self.streams = nil
        self.retired.append(connection)
    }

    /// An HTTP/2 connection has closed.
    func connectionClosed(_ connection: HTTP2Connection) {
        if self.streams === connection { self.streams = nil }
        self.retired.removeAll { $0 === connection }
        self.releaseConnection()
    }

    /// An HTTP/2 connection can carry another stream.
    func streamFree(_ connection: HTTP2Connection) {
        while self.streams === connection, connection.hasCapacity, let exchange = self.state.dequeue() {
            guard connection.carry(exchange) else {
                self.wait(exchange)
                return
            }
        }
    }

    private func releaseConnection() {
        self.state.releaseConnection()
        self.replaceClosed()
    }

    /// Opens connections for those that wait, as far as the limit lets.
    private func replaceClosed() {
        while !self.state.isShutDown, self.state.hasWaiters, self.state.reserveConnection() {
            guard let exchange = self.state.dequeue() else {
                self.state.releaseConnection()
                continue
            }
            self.dial(exchange)
        }
    }

    /// Closes an idle connection and gives its place back at once, so that the next look counts right.
    private func closeIdle(_ connection: HTTP1Connection) {
        if let index = self.idle.firstIndex(where: { $0 === connection }) {
            self.idle.remove(at: index)
            self.state.releaseIdle()
        }
        connection.close()
    }

    private func takeIdle() -> HTTP1Connection? {
        guard let connection = self.idle.popLast() else { return nil }
        self.state.releaseIdle()
        return connection
    }

    // MARK: Limits

    private var isBusy: Bool {
        self.connections.count > self.idle.count || !self.dials.isEmpty || !self.unsettled.isEmpty
            || self.streams?.isBusy == true || !self.retired.isEmpty || self.state.hasWaiters
    }

    private func ensureTick() {
        guard !self.hasTick else { return }
        self.hasTick = true
        self.scheduleTick(Self.busyTick)
    }

    private func scheduleTick(_ delay: TimeAmount) {
        self.loop.assumeIsolated().scheduleTask(in: delay) {
            self.checkLimits()
            if self.isBusy {
                self.scheduleTick(Self.busyTick)
            } else if !self.connections.isEmpty || self.streams != nil {
                // A request that starts meanwhile finds a tick that is slow once.
                self.scheduleTick(Self.idleTick)
            } else {
                self.hasTick = false
            }
        }
    }

    /// Ends what is over its limit. Called by the tick, and by tests that own the clock.
    func checkLimits() {
        let now = self.time.now()
        // Over copies: ending something changes the arrays.
        for connection in self.connections {
            if let since = connection.idleSince {
                let limit =
                    self.state.hasSurplus ? min(Self.surplusTime, self.options.idleTimeout) : self.options.idleTimeout
                if now >= since.advanced(by: limit) { self.closeIdle(connection) }
            } else {
                connection.checkLimits(now: now)
            }
        }
        for dial in self.dials { dial.checkLimits(now: now) }
        for connection in self.retired { connection.checkLimits(now: now) }
        self.streams?.checkLimits(now: now)
        for (exchange, error) in self.state.expire(at: now) { exchange.fail(self.waitError(error)) }
        self.unsettled.removeAll { waiter in
            guard let error = waiter.clock.expired(at: now) else { return waiter.exchange.isOver }
            waiter.exchange.fail(error)
            return true
        }
    }

    private func waitError(_ error: NeedletailError?) -> NeedletailError {
        guard let error else { return Self.shutDownError }
        return NeedletailError(
            .unavailable,
            "All \(self.options.maximumConnections) connections to the provider stayed in use: \(error.message)"
        )
    }

    private static let shutDownError = NeedletailError(.unavailable, "The provider's connections are shut down.")

    // MARK: Shutdown

    /// Closes what is idle and takes nothing new, when the pool itself has gone; what runs ends as it would.
    func closeIdle() {
        for connection in self.idle { connection.close() }
        for connection in self.retired { connection.retire() }
        self.streams?.retire()
    }

    /// Closes everything and fails what runs.
    func shutDown() {
        for (exchange, _) in self.state.expire(at: nil) { exchange.fail(Self.shutDownError) }
        for waiter in self.unsettled { waiter.exchange.fail(Self.shutDownError) }
        self.unsettled = []
        for dial in self.dials { dial.giveUp(Self.shutDownError) }
        for connection in self.connections { connection.shutDown(Self.shutDownError) }
        for connection in self.retired { connection.shutDown(Self.shutDownError) }
        self.streams?.shutDown(Self.shutDownError)
    }
}
