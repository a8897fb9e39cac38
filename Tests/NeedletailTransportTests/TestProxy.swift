import NIOCore
import NIOPosix

/// A proxy that tunnels whatever it is asked to, to a port on loopback.
final class TestProxy: Sendable {
    let port: Int
    let heads: Log
    private let channel: any Channel

    init(on group: any EventLoopGroup) async throws {
        let heads = Log()
        self.heads = heads
        self.channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Front(heads))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.port = self.channel.localAddress?.port ?? 0
    }

    func stop() async {
        try? await self.channel.close()
    }

    private final class Front: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let heads: Log
        private var buffer = ByteBuffer()
        private var upstream: (any Channel)?

        init(_ heads: Log) {
            self.heads = heads
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = self.unwrapInboundIn(data)
            if let upstream = self.upstream { return upstream.writeAndFlush(bytes, promise: nil) }
            self.buffer.writeBuffer(&bytes)
            let text = String(buffer: self.buffer)
            guard text.hasSuffix("\r\n\r\n") else { return }
            self.heads.add(text)
            let target = text.split(separator: " ")[1].split(separator: ":").last.flatMap { Int($0) } ?? 0
            let client = context.channel
            guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: target) else { return }
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Back(client))
                    }
                }
                .connect(to: address)
                .assumeIsolated()
                .whenSuccess { channel in
                    self.upstream = channel
                    client.writeAndFlush(
                        ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"), promise: nil)
                }
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.upstream?.close(promise: nil)
        }
    }

    private final class Back: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let client: any Channel

        init(_ client: any Channel) {
            self.client = client
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.client.writeAndFlush(self.unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.client.close(promise: nil)
        }
    }
}
