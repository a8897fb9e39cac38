import NIOCore
import NIOTLS

/// Waits for the end of a TLS handshake, says which protocol was agreed on, and leaves the pipeline.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private var completion: ((Result<String?, any Error>) -> Void)?

    /// - Parameter completion: Called once, on the channel's loop.
    init(_ completion: @escaping (Result<String?, any Error>) -> Void) {
        self.completion = completion
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted(let name) = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
        self.complete(.success(name))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.complete(.failure(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.complete(.failure(ChannelError.eof))
        context.fireChannelInactive()
    }

    private func complete(_ result: Result<String?, any Error>) {
        guard let completion = self.completion else { return }
        self.completion = nil
        completion(result)
    }
}
