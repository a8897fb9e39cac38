import NIOCore
import NeedletailCore

/// Asks an HTTP proxy for a tunnel (`CONNECT`, RFC 9110, 9.3.6), waits for its answer, and leaves the pipeline.
final class ProxyTunnelHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The most bytes that a proxy's answer may have.
    private static let maximumHeaderBytes = 16 << 10

    private let authority: String
    private let proxy: ProxySetting.Proxy
    private var parser = ResponseParser(maximumHeaderBytes: maximumHeaderBytes)
    private var completion: ((Result<Void, NeedletailError>) -> Void)?

    /// - Parameter completion: Called once, on the channel's loop.
    init(
        authority: String,
        proxy: ProxySetting.Proxy,
        _ completion: @escaping (Result<Void, NeedletailError>) -> Void
    ) {
        self.authority = authority
        self.proxy = proxy
        self.completion = completion
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // The answer to CONNECT has no body, as that to HEAD (RFC 9110, 9.3.6).
        self.parser.expectResponse(toHead: true)
        var request = context.channel.allocator.buffer(capacity: 256)
        request.writeString("CONNECT \(self.authority) HTTP/1.1\r\nhost: \(self.authority)\r\n")
        if let authorization = self.proxy.authorization {
            request.writeString("proxy-authorization: \(authorization)\r\n")
        }
        request.writeString("\r\n")
        context.writeAndFlush(self.wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        var body: ByteBuffer?
        do {
            try self.parser.read(&bytes, into: &body)
        } catch {
            self.fail("it \(error.reason)", .malformedReply)
            return
        }
        guard let head = self.parser.takeHead() else { return }
        switch head.status {
        case 200..<300:
            guard bytes.readableBytes == 0 else {
                self.fail("it sent bytes before the tunnel was used", .malformedReply)
                return
            }
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            self.complete(.success(()))
        case 407: self.fail("it wants other credentials (407)", .unreachable)
        default: self.fail("it answered \(head.status)", .unreachable)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.fail("the connection to it broke", .unreachable)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.fail("it closed the connection", .unreachable)
        context.fireChannelInactive()
    }

    private func fail(_ reason: String, _ code: NeedletailError.Code) {
        self.complete(
            .failure(
                NeedletailError(
                    code,
                    "The proxy \(self.proxy.host):\(self.proxy.port) gave no tunnel to \(self.authority): \(reason)."
                )
            )
        )
    }

    private func complete(_ result: Result<Void, NeedletailError>) {
        guard let completion = self.completion else { return }
        self.completion = nil
        completion(result)
    }
}
