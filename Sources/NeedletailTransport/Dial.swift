import NIOCore
import NIOPosix
import NIOTLS
import NeedletailCore

/// Opens one connection for one exchange: name, socket, proxy tunnel, TLS, protocol.
///
/// Lives on its shard's loop. Ends exactly once: with a connection, or with ``LoopShard/dialEnded(_:)``.
final class Dial: ExchangeCarrier {
    let exchange: Exchange
    private let shard: LoopShard
    private var clock: ExchangeClock
    /// The sockets that are being connected; more than one while several addresses are tried.
    private var sockets: [any Channel] = []
    private var isConnecting = false
    private var isOver = false

    init(_ exchange: Exchange, shard: LoopShard) {
        self.exchange = exchange
        self.shard = shard
        self.clock = ExchangeClock(exchange, phase: .connecting, now: shard.time.now())
    }

    /// Starts; the outcome goes to the shard.
    func start() {
        guard self.exchange.attach(self, on: self.shard.loop) else {
            self.end()
            return
        }
        let host: String
        let port: Int
        if case .http(let proxy) = self.shard.options.proxy {
            (host, port) = (proxy.host, proxy.port)
        } else {
            (host, port) = (self.shard.origin.host, self.shard.origin.port)
        }
        let bound = NIOLoopBound(self, eventLoop: self.shard.loop)
        // The tick is what limits; the bootstrap's own limit only makes sure that a socket goes away in the end.
        let limit = self.exchange.timeouts.connect.wholeNanoseconds
        let grace: Int64 = 1_000_000_000
        let bootstrap = ClientBootstrap(group: self.shard.loop)
            .connectTimeout(.nanoseconds(limit > .max - grace ? limit : limit + grace))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 2)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 64 << 10)
            )
            .channelInitializer { channel in
                bound.value.sockets.append(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
        self.isConnecting = true
        let connected: EventLoopFuture<any Channel>
        if case .none = self.shard.options.proxy, let address = self.shard.options.address {
            connected = bootstrap.connect(to: address)
        } else if let address = try? SocketAddress(ipAddress: host, port: port) {
            connected = bootstrap.connect(to: address)
        } else {
            connected = bootstrap.connect(host: host, port: port)
        }
        connected.assumeIsolated().whenComplete { result in
            self.isConnecting = false
            switch result {
            case .success(let channel): self.connected(channel)
            case .failure(let error): self.fail(TransportFailure.connecting(to: self.target, error))
            }
        }
    }

    /// Whom messages name.
    private var target: String {
        if case .http(let proxy) = self.shard.options.proxy { return "the proxy \(proxy.host):\(proxy.port)" }
        return self.shard.origin.authority
    }

    func checkLimits(now: Instant) {
        if let error = self.clock.expired(at: now) { self.giveUp(error) }
    }

    /// Stops with an error.
    func giveUp(_ error: NeedletailError) {
        self.end()
        self.exchange.fail(error)
    }

    func abandon(_ exchange: Exchange) {
        self.end()
    }

    func resumeReading(_ exchange: Exchange) {}

    // MARK: Steps

    private func connected(_ channel: any Channel) {
        guard !self.isOver else {
            // Given up while the socket was still being opened: only now is it gone.
            channel.close(promise: nil)
            self.shard.dialEnded(self)
            return
        }
        self.sockets = [channel]
        guard self.shard.origin.scheme == .https else {
            self.open(channel, protocolName: nil)
            return
        }
        guard case .http(let proxy) = self.shard.options.proxy else {
            self.secure(channel)
            return
        }
        let tunnel = ProxyTunnelHandler(authority: self.shard.origin.authority, proxy: proxy) { result in
            guard !self.isOver else { return }
            switch result {
            case .success: self.secure(channel)
            case .failure(let error): self.fail(error)
            }
        }
        self.add(tunnel, to: channel)
    }

    private func secure(_ channel: any Channel) {
        guard let tls = self.shard.tls else {
            self.open(channel, protocolName: nil)
            return
        }
        let host = self.shard.origin.host
        let waiter = HandshakeHandler { result in
            guard !self.isOver else { return }
            switch result {
            case .success(let name): self.open(channel, protocolName: name)
            case .failure(let error): self.fail(TransportFailure.handshake(with: host, error))
            }
        }
        do {
            let handler = try tls.makeHandler(for: host)
            // The waiter first, so that it misses nothing of the handshake.
            try channel.pipeline.syncOperations.addHandler(waiter)
            try channel.pipeline.syncOperations.addHandler(handler, position: .before(waiter))
        } catch {
            self.fail(TransportFailure.handshake(with: host, error))
        }
    }

    private func open(_ channel: any Channel, protocolName: String?) {
        do {
            if protocolName == "h2" {
                let connection = try HTTP2Connection(channel: channel, shard: self.shard)
                self.isOver = true
                self.exchange.detach()
                self.shard.dialed(self, connection)
            } else {
                let connection = HTTP1Connection(shard: self.shard)
                try channel.pipeline.syncOperations.addHandler(connection)
                self.isOver = true
                self.exchange.detach()
                self.shard.dialed(self, connection)
            }
        } catch {
            self.fail(TransportFailure.connecting(to: self.target, error))
        }
    }

    private func add(_ handler: any ChannelHandler, to channel: any Channel) {
        do { try channel.pipeline.syncOperations.addHandler(handler) } catch {
            self.fail(TransportFailure.connecting(to: self.target, error))
        }
    }

    private func fail(_ error: NeedletailError) {
        if self.isOver {
            self.shard.dialEnded(self)
        } else {
            self.giveUp(error)
        }
    }

    private func end() {
        guard !self.isOver else { return }
        self.isOver = true
        for socket in self.sockets { socket.close(promise: nil) }
        self.sockets = []
        // A name that is still being looked up cannot be stopped; the right to a connection is held until it is over.
        if !self.isConnecting { self.shard.dialEnded(self) }
    }
}
