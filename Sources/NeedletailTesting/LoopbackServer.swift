public import NIOCore
import NIOPosix
import Synchronization

/// An HTTP/1.1 server on loopback that sends what a function returns, byte for byte.
///
/// One answer to each whole request (head, and body by `content-length`), in order; a connection stays open until the
/// client or an answer closes it.
public final class LoopbackServer: Sendable {
    /// What goes back for one request.
    public struct Answer: Sendable {
        /// The bytes, head included.
        public var bytes: ByteBuffer
        /// Whether the connection is closed after them.
        public var closes: Bool

        /// Creates an answer of bytes.
        public init(bytes: ByteBuffer, closes: Bool = false) {
            self.bytes = bytes
            self.closes = closes
        }

        /// Creates a whole response with its length.
        public init(status: Int = 200, type: String, headers: [String] = [], _ body: String) {
            let lines = ["content-type: \(type)", "content-length: \(body.utf8.count)"] + headers
            self.init(
                bytes: ByteBuffer(
                    string: "HTTP/1.1 \(status) Status\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n" + body))
        }
    }

    /// The port.
    public let port: Int
    private let channel: any Channel
    private let log: Log

    private final class Log: Sendable {
        let requests = Mutex<[String]>([])
    }

    /// Starts on a port of the system's choice.
    public init(
        on group: any EventLoopGroup,
        _ answer: @escaping @Sendable (_ request: String) -> Answer
    ) async throws {
        let log = Log()
        self.log = log
        self.channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            log.requests.withLock { $0.append(request) }
                            return answer(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    /// The requests so far, head and body.
    public var requests: [String] { self.log.requests.withLock { $0 } }
    /// Where it is, without a path.
    public var url: String { "http://127.0.0.1:\(self.port)" }

    /// Stops listening.
    public func stop() async {
        try? await self.channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: (String) -> Answer
        private var buffer = ByteBuffer()

        init(_ answer: @escaping (String) -> Answer) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            self.buffer.writeBuffer(&bytes)
            while let request = self.takeRequest() {
                let answer = self.answer(request)
                let sent = context.writeAndFlush(self.wrapOutboundOut(answer.bytes))
                // Not before everything is sent: what waits would be lost.
                if answer.closes { sent.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }

        private func takeRequest() -> String? {
            let text = String(buffer: self.buffer)
            guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
            let head = text[..<end.upperBound]
            var length = 0
            for line in head.split(separator: "\r\n") {
                let field = line.split(separator: ":", maxSplits: 1)
                guard field.count == 2, field[0].lowercased() == "content-length" else { continue }
                length = Int(field[1].drop { $0 == " " }) ?? 0
            }
            let total = head.utf8.count + length
            guard self.buffer.readableBytes >= total else { return nil }
            return self.buffer.readString(length: total)
        }
    }
}
