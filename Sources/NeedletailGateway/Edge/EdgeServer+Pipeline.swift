import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOSSL
import NIOTLS
import NeedletailCore
import NeedletailTransport

/// What stands between a socket and an ``EdgeConnection``.
extension EdgeServer {
    static func addHTTP1(to channel: any Channel, _ shared: EdgeLoop) throws {
        try channel.pipeline.syncOperations.addHandler(EdgeConnection(shared, isHTTP2: false))
    }

    static func addTLS(_ tls: NIOSSLContext, to channel: any Channel, _ shared: EdgeLoop) throws {
        let bound = NIOLoopBound(shared, eventLoop: channel.eventLoop)
        let guardian = EdgeHandshake(shared)
        let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.handler(type: EdgeHandshake.self).isOver()
                if case .negotiated("h2") = result {
                    try self.addHTTP2(to: channel, bound.value)
                } else {
                    try self.addHTTP1(to: channel, bound.value)
                }
            }
        }
        try channel.pipeline.syncOperations.addHandlers(NIOSSLServerHandler(context: tls), guardian, negotiation)
    }

    private static func addHTTP2(to channel: any Channel, _ shared: EdgeLoop) throws {
        let bound = NIOLoopBound(shared, eventLoop: channel.eventLoop)
        var connection = NIOHTTP2Handler.ConnectionConfiguration()
        connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: shared.limits.streamsPerConnection),
            HTTP2Setting(parameter: .maxHeaderListSize, value: shared.limits.headerBytes),
        ]
        let handler = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: .nanoseconds(shared.limits.idleTime.wholeNanoseconds),
                maxAge: nil,
                maxGraceTime: nil,
                keepalive: .init(pingInterval: .minutes(5), ackTimeout: .seconds(20))))
        _ = try channel.pipeline.syncOperations.configureHTTP2Pipeline(
            mode: .server,
            connectionConfiguration: connection,
            streamConfiguration: .init(),
            streamDelegate: handler.http2StreamDelegate
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                let request = EdgeConnection(bound.value, isHTTP2: true)
                try stream.pipeline.syncOperations.addHandlers(
                    HTTP2FramePayloadToHTTP1ServerCodec(), EdgeStreamReader(request), request)
            }
        }
        try channel.pipeline.syncOperations.addHandlers(handler, EdgeHTTP2Parent(shared))
    }
}

/// Tells an HTTP/2 stream's request what its client sends.
private final class EdgeStreamReader: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let request: EdgeConnection

    init(_ request: EdgeConnection) {
        self.request = request
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.request.receive(self.unwrapInboundIn(data))
    }
}

/// Closes a connection whose TLS handshake does not come to its end in time.
private final class EdgeHandshake: ChannelInboundHandler, EdgeMember {
    typealias InboundIn = NIOAny

    var slot = -1
    private let shared: EdgeLoop
    private let since: Instant
    private var context: ChannelHandlerContext?

    init(_ shared: EdgeLoop) {
        self.shared = shared
        self.since = shared.now
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.shared.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.isOver()
        self.context = nil
    }

    func isOver() {
        self.shared.remove(self)
    }

    func tick(_ now: Instant) {
        if now.duration(since: self.since) >= self.shared.limits.headerTime { self.cut() }
    }

    func drain() { self.cut() }

    func expire() { self.cut() }

    func cut() { self.context?.close(promise: nil) }
}

/// Lets an HTTP/2 connection end with its streams when the server drains.
private final class EdgeHTTP2Parent: ChannelInboundHandler, EdgeMember {
    typealias InboundIn = HTTP2Frame

    var slot = -1
    private let shared: EdgeLoop
    private var context: ChannelHandlerContext?

    init(_ shared: EdgeLoop) {
        self.shared = shared
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.shared.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.shared.remove(self)
        self.context = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A fault of one stream is told to that stream; what comes here broke the connection.
        if HTTP2StreamFault.isOne(error) { return }
        context.close(promise: nil)
    }

    func tick(_ now: Instant) {}

    func drain() {
        self.context?.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    }

    /// It ends with its streams, which are told themselves.
    func expire() {}

    func cut() { self.context?.close(promise: nil) }
}

/// Answers a connection that is over the limit.
final class EdgeCrowded: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let answers: Bool

    /// - Parameter answers: Whether the client reads plain text.
    init(answers: Bool) {
        self.answers = answers
    }

    func channelActive(context: ChannelHandlerContext) {
        guard self.answers else { return context.close(promise: nil) }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(NIOAny(Self.response), promise: flushed)
        flushed.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private static let response = ByteBuffer(
        string: """
            HTTP/1.1 503 Service Unavailable\r
            content-type: application/json\r
            content-length: 113\r
            retry-after: 1\r
            connection: close\r
            \r
            {"error":{"message":"Too many connections.","type":"server_error","param":null,"code":"provider_unavailable"}}\u{20}\u{20}\u{20}
            """)
}
