import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A raw TCP server on loopback whose answers a test writes byte by byte.
final class ScriptedServer: Sendable {
    /// One accepted connection, as a script sees it. All calls may come from any thread.
    final class Peer: Sendable {
        let number: Int
        private let channel: any Channel
        private let closed: Signal

        init(number: Int, channel: any Channel, closed: Signal) {
            self.number = number
            self.channel = channel
            self.closed = closed
        }

        func send(_ text: String) { self.channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        func send(_ bytes: ByteBuffer) { self.channel.writeAndFlush(bytes, promise: nil) }
        /// Sends and returns when the kernel has taken it all.
        func sendAll(_ bytes: ByteBuffer) -> EventLoopFuture<Void> { self.channel.writeAndFlush(bytes) }
        func close() { self.channel.close(promise: nil) }
        /// Closes with a reset instead of an end.
        func reset() {
            let channel = self.channel
            guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
            options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
        }
        /// Returns when the client has closed.
        func untilClosed() async { await self.closed.wait() }
    }

    /// What a script does with one whole request: head and body by `content-length`.
    typealias Script = @Sendable (Peer, _ request: String, _ countOnConnection: Int) -> Void

    let port: Int
    private let channel: any Channel
    private let accepted = Mutex<[Peer]>([])
    private let log = Mutex<[String]>([])

    var peers: [Peer] { self.accepted.withLock { $0 } }
    var requests: [String] { self.log.withLock { $0 } }

    init(
        on group: any EventLoopGroup,
        tls: NIOSSLContext? = nil,
        receiveBuffer: Int? = nil,
        onConnect: (@Sendable (Peer) -> Void)? = nil,
        _ script: @escaping Script
    ) async throws {
        let holder = Holder()
        var bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
        if let receiveBuffer {
            bootstrap = bootstrap.childChannelOption(.socketOption(.so_sndbuf), value: numericCast(receiveBuffer))
        }
        self.channel =
            try await bootstrap
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    }
                    let closed = Signal()
                    let peer = holder.server.withLock { server -> Peer in
                        let number = holder.count.wrappingAdd(1, ordering: .relaxed).newValue
                        let peer = Peer(number: number, channel: channel, closed: closed)
                        server?.accepted.withLock { $0.append(peer) }
                        return peer
                    }
                    channel.closeFuture.whenComplete { _ in closed.fire() }
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(peer) { peer, request, count in
                            holder.server.withLock { $0 }?.log.withLock { $0.append(request) }
                            script(peer, request, count)
                        }
                    )
                    onConnect?(peer)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
        holder.server.withLock { $0 = self }
    }

    func stop() async {
        try? await self.channel.close()
        for peer in self.peers { peer.close() }
    }

    private final class Holder: Sendable {
        let server = Mutex<ScriptedServer?>(nil)
        let count = Atomic<Int>(0)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let peer: Peer
        private let script: Script
        private var buffer = ByteBuffer()
        private var count = 0

        init(_ peer: Peer, _ script: @escaping Script) {
            self.peer = peer
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            self.buffer.writeBuffer(&bytes)
            while let request = self.takeRequest() {
                self.count += 1
                self.script(self.peer, request, self.count)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func takeRequest() -> String? {
            let text = String(buffer: self.buffer)
            guard let end = text.range(of: "\r\n\r\n") else { return nil }
            let head = text[..<end.upperBound]
            var length = 0
            for line in head.split(separator: "\r\n") where line.hasPrefix("content-length: ") {
                length = Int(line.dropFirst(16)) ?? 0
            }
            let total = head.utf8.count + length
            guard self.buffer.readableBytes >= total else { return nil }
            return self.buffer.readString(length: total)
        }
    }
}

/// Something that happens once and can be waited for.
final class Signal: Sendable {
    private struct State {
        var isFired = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func fire() {
        let waiting = self.state.withLock { state in
            state.isFired = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isFired = self.state.withLock { state in
                if !state.isFired { state.waiting.append(continuation) }
                return state.isFired
            }
            if isFired { continuation.resume() }
        }
    }
}
