import CNeedletailSystem
public import Logging
public import NIOCore
public import NIOPosix
import NIOSSL
public import NeedletailCore
import Synchronization

/// An HTTP server on one address: HTTP/1.1, with TLS also HTTP/2.
///
/// ```swift
/// let server = EdgeServer(configuration: configuration, handler: handler, group: group, time: .live, logger: logger)
/// let address = try await server.start()
/// …
/// await server.drain(limit: .seconds(30))
/// ```
public final class EdgeServer: Sendable {
    private struct State {
        var listener: (any Channel)?
        /// Its socket, which closes with it.
        var descriptor: CInt?
        var ticks: [RepeatedTask] = []
        /// Whether it no longer listens.
        var isClosed = false
        var isOver = false
        var runners: [CheckedContinuation<Void, Never>] = []
    }

    let configuration: EdgeConfiguration
    let logger: Logger
    let census: EdgeCensus
    private let group: MultiThreadedEventLoopGroup
    private let time: TimeSource
    private let phase: ServingPhase
    private let loops: [ObjectIdentifier: NIOLoopBoundBox<EdgeLoop>]
    private let certificate = EdgeCertificate.Current()
    private let state = Mutex(State())

    /// Creates a server that does not listen yet.
    ///
    /// - Parameters:
    ///   - configuration: What the listener is told.
    ///   - handler: Answers the requests.
    ///   - group: Shared with the transport to the upstreams, so that both sides of a request run on one loop.
    ///   - time: Where deadlines come from.
    ///   - logger: Where to log.
    ///   - phase: Turned by ``drain(limit:)``; shared with the handler, which answers by it.
    public init(
        configuration: EdgeConfiguration,
        handler: any EdgeHandler,
        group: MultiThreadedEventLoopGroup,
        time: TimeSource,
        logger: Logger,
        phase: ServingPhase = ServingPhase()
    ) {
        self.configuration = configuration
        self.group = group
        self.time = time
        self.logger = logger
        self.phase = phase
        let census = EdgeCensus(limit: configuration.limits.connections)
        self.census = census
        var loops: [ObjectIdentifier: NIOLoopBoundBox<EdgeLoop>] = [:]
        for loop in group.makeIterator() {
            loops[ObjectIdentifier(loop)] = NIOLoopBoundBox.makeBoxSendingValue(
                EdgeLoop(loop, handler: handler, configuration: configuration, census: census, time: time),
                eventLoop: loop)
        }
        self.loops = loops
    }

    /// Lets another limit of bodies and another policy hold for what comes from now on, soon on connections that are
    /// open, at once on those that are opened after the call; and shows these another certificate.
    ///
    /// - Parameters:
    ///   - bodyLimit: In bytes.
    ///   - cors: `nil` for none.
    ///   - certificate: `nil` for connections without TLS.
    public func replace(bodyLimit: Int, cors: CORSPolicy?, certificate: EdgeCertificate?) {
        self.certificate.replace(certificate)
        for loop in self.group.makeIterator() {
            guard let bound = self.loops[ObjectIdentifier(loop)] else { continue }
            loop.execute { bound.value.replace(bodyLimit: bodyLimit, cors: cors) }
        }
    }

    /// The port that it listens on; `nil` while it does not.
    public var port: Int? { self.state.withLock { $0.listener?.localAddress?.port } }

    /// Open connections.
    public var openConnections: Int { self.census.open }

    /// Listens.
    ///
    /// - Returns: The address, with the port that was taken.
    /// - Throws: What the system says when the address cannot be bound, or `.invalidRequest` when certificate or key are no good.
    public func start() async throws -> SocketAddress {
        self.certificate.replace(try self.configuration.tls.map { tls throws in try EdgeCertificate(tls) })
        let socket = try BoundSocket(host: self.configuration.host, port: self.configuration.port)
        try await self.begin(on: socket).get()
        return socket.address
    }

    /// Takes the connections of a socket, with the certificate that ``replace(bodyLimit:cors:certificate:)`` has set.
    ///
    /// - Returns: Succeeds when it does.
    public func begin(on socket: BoundSocket) -> EventLoopFuture<Void> {
        let descriptor = socket.take()
        return self.bootstrap.withBoundSocket(descriptor).map { listener in
            // It has been set to the default of those who take it over.
            needletail_backlog(descriptor, BoundSocket.backlog)
            let ticks = self.startTicks()
            let isOver = self.state.withLock { state in
                guard !state.isClosed else { return true }
                (state.listener, state.descriptor, state.ticks) = (listener, descriptor, ticks)
                return false
            }
            guard isOver else { return }
            for tick in ticks { tick.cancel() }
            listener.close(promise: nil)
        }
    }

    /// Lets another socket of this process listen on the port too, or no longer.
    func sharesPort(_ shares: Bool) {
        self.state.withLock { state in
            if let descriptor = state.descriptor { needletail_share_port(descriptor, shares ? 1 : 0) }
        }
    }

    private var bootstrap: ServerBootstrap {
        let loops = self.loops
        return ServerBootstrap(group: self.group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 256 << 10)
            )
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 16 << 10, high: 64 << 10))
            .childChannelInitializer { [census = self.census, certificate = self.certificate] channel in
                let tls = certificate.context
                let isWithinLimit = census.enter()
                channel.closeFuture.whenComplete { _ in census.leave() }
                return channel.eventLoop.makeCompletedFuture {
                    guard let shared = loops[ObjectIdentifier(channel.eventLoop)]?.value else { return }
                    guard isWithinLimit else {
                        return try channel.pipeline.syncOperations.addHandler(EdgeCrowded(answers: tls == nil))
                    }
                    if let tls {
                        try Self.addTLS(tls, to: channel, shared)
                    } else {
                        try Self.addHTTP1(to: channel, shared)
                    }
                }
            }
    }

    /// Returns when the server has been drained or shut down.
    public func run() async {
        await withCheckedContinuation { continuation in
            let isOver = self.state.withLock { state in
                if !state.isOver { state.runners.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    /// Stops listening and lets what runs finish; what has not finished after `limit` is told to end, and cut if it has
    /// not done so a second later.
    ///
    /// Idle connections are closed at once, others after their current response.
    public func drain(limit: Duration = .seconds(30)) async {
        await self.close()
        await self.untilEmpty(for: limit)
        if self.census.open > 0 {
            self.phase.beginEnding()
            await self.end()
        }
        await self.cut()
    }

    /// Leaves its address to another server of the process, which goes on: ``endRetired(limit:)`` comes next.
    public func retire() {
        self.leave()?.close(promise: nil)
        for loop in self.group.makeIterator() {
            guard let bound = self.loops[ObjectIdentifier(loop)] else { continue }
            loop.execute { bound.value.drain() }
        }
    }

    /// Lets what runs finish after ``retire()``, as ``drain(limit:)`` does.
    public func endRetired(limit: Duration) async {
        await self.untilEmpty(for: limit)
        if self.census.open > 0 { await self.end() }
        await self.cut()
    }

    /// Tells what still runs to end, and gives it time to do so.
    private func end() async {
        self.logger.warning("ending what still runs", metadata: ["count": "\(self.census.open)"])
        await self.onEachLoop { $0.expire() }
        await self.untilEmpty(for: Self.farewellTime)
    }

    /// Stops listening and cuts every connection.
    public func shutdown() async {
        await self.close()
        await self.cut()
    }

    /// For the last bytes of what is ended, to a client that reads them.
    private static let farewellTime = Duration.seconds(1)

    /// Stops listening and closes what is idle.
    private func close() async {
        self.phase.beginDraining()
        try? await self.leave()?.close()
        await self.onEachLoop { $0.drain() }
    }

    /// The listener, which is the caller's to close.
    private func leave() -> (any Channel)? {
        self.state.withLock { state in
            defer { (state.listener, state.descriptor, state.isClosed) = (nil, nil, true) }
            return state.listener
        }
    }

    private func untilEmpty(for limit: Duration) async {
        guard limit > .zero else { return }
        let deadline = self.time.now().advanced(by: limit)
        await withTaskGroup(of: Void.self) { [census = self.census, time = self.time] group in
            group.addTask { await census.untilEmpty() }
            group.addTask { try? await time.sleep(deadline) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Cuts what is left and lets ``run()`` return.
    private func cut() async {
        let remaining = self.census.open
        if remaining > 0 {
            self.logger.warning("cutting connections", metadata: ["count": "\(remaining)"])
            await self.onEachLoop { $0.cut() }
            await self.census.untilEmpty()
        }
        let (ticks, runners) = self.state.withLock { state in
            defer { (state.ticks, state.runners, state.isOver) = ([], [], true) }
            return (state.ticks, state.runners)
        }
        for tick in ticks { tick.cancel() }
        for runner in runners { runner.resume() }
    }

    /// Looks at every deadline once; for those who set no ``EdgeConfiguration/tickInterval``.
    public func tick() async {
        await self.onEachLoop { $0.tick() }
    }

    private func startTicks() -> [RepeatedTask] {
        guard let interval = self.configuration.tickInterval else { return [] }
        let amount = TimeAmount.nanoseconds(max(interval.wholeNanoseconds, 1_000_000))
        return self.group.makeIterator().compactMap { loop in
            guard let bound = self.loops[ObjectIdentifier(loop)] else { return nil }
            return loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in bound.value.tick() }
        }
    }

    private func onEachLoop(_ action: @escaping @Sendable (EdgeLoop) -> Void) async {
        for loop in self.group.makeIterator() {
            guard let bound = self.loops[ObjectIdentifier(loop)] else { continue }
            // Fails only when the group has been shut down, and then there is nothing to do.
            try? await loop.submit { action(bound.value) }.get()
        }
    }
}
