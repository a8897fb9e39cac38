import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/2 server over TLS whose answers a test writes frame by frame.
final class HTTP2Server: Sendable {
    /// One stream, as a script sees it. All calls may come from any thread.
    final class Peer: Sendable {
        let connection: Int
        let path: String
        let body: String
        private let channel: any Channel
        private let closed: Signal

        init(connection: Int, path: String, body: String, channel: any Channel, closed: Signal) {
            self.connection = connection
            self.path = path
            self.body = body
            self.channel = channel
            self.closed = closed
        }

        func sendHead(_ headers: [(String, String)] = [], status: Int = 200, isEnd: Bool = false) {
            var block = HPACKHeaders([(":status", "\(status)")])
            for (name, value) in headers { block.add(name: name, value: value) }
            let frame = HTTP2Frame.FramePayload.headers(.init(headers: block, endStream: isEnd))
            self.channel.writeAndFlush(frame, promise: nil)
        }

        func sendTrailers() {
            let frame = HTTP2Frame.FramePayload.headers(.init(headers: ["x-sum": "1"], endStream: true))
            self.channel.writeAndFlush(frame, promise: nil)
        }

        @discardableResult
        func send(_ bytes: ByteBuffer, isEnd: Bool = false) -> EventLoopFuture<Void> {
            self.channel.writeAndFlush(HTTP2Frame.FramePayload.data(.init(data: .byteBuffer(bytes), endStream: isEnd)))
        }

        func send(_ text: String, isEnd: Bool = false) { _ = self.send(ByteBuffer(string: text), isEnd: isEnd) }

        func reset(_ code: HTTP2ErrorCode) {
            self.channel.writeAndFlush(HTTP2Frame.FramePayload.rstStream(code), promise: nil)
        }

        func goAway(last: HTTP2StreamID) {
            let frame = HTTP2Frame(
                streamID: .rootStream,
                payload: .goAway(lastStreamID: last, errorCode: .noError, opaqueData: nil)
            )
            self.channel.parent?.writeAndFlush(frame, promise: nil)
        }

        func closeConnection() { self.channel.parent?.close(promise: nil) }
        /// Returns when the stream has ended, by whichever side.
        func untilClosed() async { await self.closed.wait() }
    }

    typealias Script = @Sendable (Peer) -> Void

    let port: Int
    let requests: Log
    private let channel: any Channel

    init(on group: any EventLoopGroup, maximumStreams: Int = 100, _ script: @escaping Script) async throws {
        let tls = try TestCertificates.shared.get().serverContext(protocols: ["h2"])
        let log = Log()
        let counter = Counter()
        self.requests = log
        self.channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = counter.value.wrappingAdd(1, ordering: .relaxed).newValue
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls))
                    var configuration = NIOHTTP2Handler.ConnectionConfiguration()
                    configuration.initialSettings = [
                        HTTP2Setting(parameter: .maxConcurrentStreams, value: maximumStreams),
                        HTTP2Setting(parameter: .maxHeaderListSize, value: 1 << 16),
                    ]
                    let handler = NIOHTTP2Handler(
                        mode: .server, eventLoop: channel.eventLoop, connectionConfiguration: configuration
                    ) { stream in
                        stream.eventLoop.makeCompletedFuture {
                            try stream.pipeline.syncOperations.addHandler(
                                Handler(number) { peer in
                                    log.add("\(peer.connection) \(peer.path)")
                                    script(peer)
                                }
                            )
                        }
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    func stop() async {
        try? await self.channel.close()
    }

    private final class Counter: Sendable {
        let value = Atomic<Int>(0)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTP2Frame.FramePayload
        private let number: Int
        private let script: Script
        private var path = ""
        private var body = ""

        init(_ number: Int, _ script: @escaping Script) {
            self.number = number
            self.script = script
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var isEnd = false
            switch self.unwrapInboundIn(data) {
            case .headers(let headers):
                self.path = headers.headers.first(name: ":path") ?? ""
                isEnd = headers.endStream
            case .data(let data):
                if case .byteBuffer(let bytes) = data.data { self.body += String(buffer: bytes) }
                isEnd = data.endStream
            default: break
            }
            guard isEnd else { return }
            let closed = Signal()
            context.channel.closeFuture.whenComplete { _ in closed.fire() }
            self.script(
                Peer(
                    connection: self.number, path: self.path, body: self.body, channel: context.channel, closed: closed)
            )
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
