import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/2 client on one connection.
final class StreamClient: Sendable {
    /// One request and its answer.
    final class Stream: Sendable {
        private struct State {
            var status = 0
            var isWhole = false
            var isOver = false
        }

        private final class Collector: ChannelInboundHandler {
            typealias InboundIn = HTTP2Frame.FramePayload
            private let stream: Stream
            private let pauses: Bool
            init(_ stream: Stream, pauses: Bool) {
                self.stream = stream
                self.pauses = pauses
            }

            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                switch self.unwrapInboundIn(data) {
                case .headers(let headers):
                    if self.pauses { context.channel.setOption(.autoRead, value: false).whenComplete { _ in } }
                    let status = headers.headers.first(name: ":status").flatMap { Int($0) } ?? 0
                    self.stream.state.change { state in
                        if status >= 200 { state.status = status }
                        if headers.endStream { state.isWhole = true }
                    }
                case .data(let data) where data.endStream: self.stream.state.change { $0.isWhole = true }
                default: break
                }
            }

            func channelInactive(context: ChannelHandlerContext) { self.stream.state.change { $0.isOver = true } }
            func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
        }

        private let state = Watched(State())
        fileprivate let channel = Mutex<(any Channel)?>(nil)

        /// The answer's status, 0 without one, and whether its end has come; waits for that.
        var answer: (status: Int, isWhole: Bool) {
            get async {
                await self.state.wait { $0.isWhole || $0.isOver }
                return self.state.withLock { ($0.status, $0.isWhole) }
            }
        }

        /// Waits for the answer's head.
        func untilHead() async { await self.state.wait { $0.status > 0 || $0.isOver } }

        func send(_ headers: HPACKHeaders, isEnd: Bool) {
            self.write(.headers(.init(headers: headers, endStream: isEnd)))
        }

        func send(_ text: String, isEnd: Bool) {
            self.write(.data(.init(data: .byteBuffer(ByteBuffer(string: text)), endStream: isEnd)))
        }

        func reset() { self.write(.rstStream(.cancel)) }

        private func write(_ frame: HTTP2Frame.FramePayload) {
            self.channel.withLock { $0 }?.writeAndFlush(frame, promise: nil)
        }

        fileprivate func collector(pauses: Bool) -> any ChannelHandler { Collector(self, pauses: pauses) }
    }

    private let channel: any Channel
    private let multiplexer: NIOHTTP2Handler.StreamMultiplexer

    private init(_ channel: any Channel, _ multiplexer: NIOHTTP2Handler.StreamMultiplexer) {
        self.channel = channel
        self.multiplexer = multiplexer
    }

    /// - Parameter tls: Whom it trusts; must offer `h2`.
    static func connect(_ port: Int, tls: NIOSSLContext) async throws -> StreamClient {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            // A machine with much to do may take longer than the default of ten seconds; suites have limits.
            .connectTimeout(.hours(1))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        NIOSSLClientHandler(context: tls, serverHostname: "localhost"),
                        NIOHTTP2Handler(
                            mode: .client, eventLoop: channel.eventLoop, connectionConfiguration: .init(),
                            streamConfiguration: .init(), inboundStreamInitializer: { $0.close() }))
                }
            }
            .connect(to: SocketAddress(ipAddress: "127.0.0.1", port: port)).get()
        let multiplexer = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: NIOHTTP2Handler.self).syncMultiplexer()
        }.get()
        return StreamClient(channel, multiplexer)
    }

    /// Opens a stream.
    ///
    /// - Parameter pauses: Whether nothing is read after the answer's head, so that its window fills.
    func open(pauses: Bool = false) async throws -> Stream {
        let stream = Stream()
        let opened = self.channel.eventLoop.makePromise(of: (any Channel).self)
        self.multiplexer.createStreamChannel(promise: opened) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(stream.collector(pauses: pauses))
            }
        }
        let channel = try await opened.futureResult.get()
        stream.channel.withLock { $0 = channel }
        return stream
    }

    func close() { self.channel.close(promise: nil) }

    /// Lets go of the connection below TLS, without a goodbye.
    func cut(resets: Bool) { self.channel.cut(resets: resets) }
}
