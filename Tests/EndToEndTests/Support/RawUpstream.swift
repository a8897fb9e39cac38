import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// A TCP server on loopback that answers every request with bytes that a test wrote, HTTP or not.
final class RawUpstream: Sendable {
    /// One accepted connection.
    final class Peer: Sendable {
        fileprivate let channel: any Channel
        init(_ channel: any Channel) { self.channel = channel }

        func send(_ text: String) { self.channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
        func send(_ bytes: ByteBuffer) { self.channel.writeAndFlush(bytes, promise: nil) }
        /// Sends; the future tells when the kernel has taken it all.
        func write(_ bytes: ByteBuffer) -> EventLoopFuture<Void> { self.channel.writeAndFlush(bytes) }
        /// Sends and closes when all has been taken.
        func end(_ text: String) {
            let channel = self.channel
            channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
        }
        func close() { self.channel.close(promise: nil) }
        /// Sends `bytes` again and again until the client has closed.
        func flood(_ bytes: ByteBuffer) {
            self.channel.writeAndFlush(bytes).whenSuccess { self.flood(bytes) }
        }
        var isClosed: EventLoopFuture<Void> { self.channel.closeFuture }
    }

    typealias Script = @Sendable (Peer, _ request: String) -> Void

    let port: Int
    private let channel: any Channel
    private let log: Log

    private final class Log: Sendable {
        let requests = Mutex<[String]>([])
        let peers = Mutex<[Peer]>([])
    }

    /// What has been asked, heads and bodies.
    var requests: [String] { self.log.requests.withLock { $0 } }

    private init(_ channel: any Channel, _ log: Log) {
        self.channel = channel
        self.port = channel.localAddress?.port ?? 0
        self.log = log
    }

    static func start(_ script: @escaping Script) async throws -> RawUpstream {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let peer = Peer(channel)
                    log.peers.withLock { $0.append(peer) }
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            log.requests.withLock { $0.append(request) }
                            script(peer, request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return RawUpstream(channel, log)
    }

    func stop() async {
        try? await self.channel.close()
        for peer in self.log.peers.withLock({ $0 }) { peer.close() }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let script: (String) -> Void
        private var text = ""

        init(_ script: @escaping (String) -> Void) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.text += String(buffer: self.unwrapInboundIn(data))
            while let request = self.take() { self.script(request) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

        private func take() -> String? {
            guard let headEnd = self.text.range(of: "\r\n\r\n") else { return nil }
            let head = self.text[..<headEnd.upperBound]
            var length = 0
            for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
                length = Int(line.dropFirst(16)) ?? 0
            }
            let bytes = Array(self.text.utf8)
            let total = head.utf8.count + length
            guard bytes.count >= total else { return nil }
            self.text = String(decoding: bytes[total...], as: UTF8.self)
            return String(decoding: bytes[..<total], as: UTF8.self)
        }
    }
}

/// Runs `body` against a scripted upstream.
func withUpstream<Result>(
    _ script: @escaping RawUpstream.Script,
    _ body: (RawUpstream) async throws -> Result
) async throws -> Result {
    let upstream = try await RawUpstream.start(script)
    do {
        let result = try await body(upstream)
        await upstream.stop()
        return result
    } catch {
        await upstream.stop()
        throw error
    }
}

/// An HTTP/1.1 response.
func response(_ body: String, _ status: String = "200 OK", type: String = "application/json") -> String {
    "HTTP/1.1 \(status)\r\ncontent-type: \(type)\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
}
