import HTTPTypes
import NIOCore
import NIOHPACK
import NIOHTTP2
import NeedletailCore

/// One HTTP/2 stream: the handler of its child channel, and the carrier of one exchange.
final class HTTP2Stream: ChannelDuplexHandler, ExchangeCarrier {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let connection: HTTP2Connection
    private let shard: LoopShard
    private var exchange: Exchange?
    private var context: ChannelHandlerContext?
    private var clock: ExchangeClock
    private var head: ResponseHead?
    private var body: ByteBuffer?
    private var hasHead = false
    private var hasBody = false
    private var isPaused = false
    private var wantsRead = false
    private var isSettling = false
    /// Whether the connection had carried an answer before this stream was opened.
    private let isReused: Bool
    private let openedAt: Instant
    /// A model may think for longer than this before its first byte, and a connection that is gone is told by it.
    private static let leastSilence = Duration.seconds(5)
    /// What had come over the connection when this stream was opened or last heard something.
    private var heard: UInt64

    init(_ exchange: Exchange, connection: HTTP2Connection, shard: LoopShard) {
        self.exchange = exchange
        self.connection = connection
        self.shard = shard
        self.isReused = connection.hasServed
        self.heard = connection.heard
        self.openedAt = shard.time.now()
        self.clock = ExchangeClock(exchange, phase: .head, now: self.openedAt)
    }

    // MARK: Connection side

    func checkLimits(now: Instant) {
        guard let error = self.clock.expired(at: now) else { return }
        // A client's own short deadline says nothing of the connection.
        let isLong = now.duration(since: self.openedAt) >= Self.leastSilence
        if isLong, self.clock.phase != .paused, self.connection.heard == self.heard { self.connection.noteSilence() }
        self.end(with: error)
    }

    /// Ends the exchange with an error, after what came before it, and resets the stream.
    func end(with error: NeedletailError) {
        self.deliver()
        guard let exchange = self.takeExchange() else { return }
        exchange.fail(error)
        self.reset()
    }

    /// The stream or its connection has ended, or the stream could not be opened.
    func closed(_ cause: (any Error)?) {
        guard self.exchange != nil, !self.isSettling else { return }
        guard let closed = cause as? NIOHTTP2Errors.StreamClosed, closed.errorCode == .cancel, !self.hasHead else {
            self.settle(cause, isRefused: (cause as? NIOHTTP2Errors.StreamClosed)?.errorCode == .refusedStream)
            return
        }
        // NIOHTTP2 calls streams that a GOAWAY dropped cancelled, and shows the GOAWAY itself after them.
        self.isSettling = true
        self.shard.loop.assumeIsolated().execute {
            self.settle(cause, isRefused: self.connection.hasDropped(closed.streamID))
        }
    }

    private func settle(_ cause: (any Error)?, isRefused: Bool) {
        guard let exchange = self.exchange else { return }
        let code = (cause as? NIOHTTP2Errors.StreamClosed)?.errorCode
        // RFC 9113, 8.7: a refused stream was not worked on. A connection that ends under a reused stream is as stale
        // as one of HTTP/1.1.
        let isStale = self.isReused && self.shard.time.now() <= self.openedAt.advanced(by: LoopShard.staleWindow)
        let mayRepeat = isRefused || (code == nil && (isStale || self.context == nil))
        if mayRepeat, !self.hasHead, exchange.mayRepeat() {
            self.exchange = nil
            exchange.detach()
            self.connection.streamEnded(self)
            self.shard.retry(exchange, withSlot: false)
            return
        }
        var error = TransportFailure.broken(hasStarted: self.hasHead, hasHead: self.hasHead, cause: cause)
        if let code, code != .noError { error.message += " It reset the stream (error \(code.networkCode))." }
        if isRefused { error.mayHaveBeenProcessed = false }
        self.end(with: error)
    }

    // MARK: Exchange side

    func resumeReading(_ exchange: Exchange) {
        guard self.exchange === exchange, self.isPaused else { return }
        self.isPaused = false
        self.clock.enter(.body, now: self.shard.time.now())
        guard self.wantsRead else { return }
        self.wantsRead = false
        self.context?.read()
    }

    func abandon(_ exchange: Exchange) {
        guard self.takeExchange() === exchange else { return }
        self.reset()
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.sendRequest(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        self.sendRequest(context)
    }

    func read(context: ChannelHandlerContext) {
        if self.isPaused { self.wantsRead = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.connection.noteFrame()
        self.heard = self.connection.heard
        guard self.exchange != nil else { return }
        switch self.unwrapInboundIn(data) {
        case .headers(let headers):
            self.readHead(headers.headers)
            if headers.endStream, self.exchange != nil { self.finish() }
        case .data(let data):
            guard case .byteBuffer(var bytes) = data.data else { return }
            if bytes.readableBytes > 0 {
                if self.body == nil { self.body = bytes } else { self.body?.writeBuffer(&bytes) }
            }
            if data.endStream { self.finish() }
        default:
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.deliver()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.closed(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.closed(nil)
    }

    // MARK: Request

    private func sendRequest(_ context: ChannelHandlerContext) {
        guard let exchange = self.exchange else {
            context.close(promise: nil)
            return
        }
        // `nil` when it was cancelled a moment ago; its abandonment is on the way.
        guard let request = exchange.request else { return }
        let headers: HPACKHeaders
        do { headers = try self.headers(of: request) } catch {
            self.end(with: error)
            return
        }
        let isEmpty = request.body.readableBytes == 0
        context.write(self.wrapOutboundOut(.headers(.init(headers: headers, endStream: isEmpty))), promise: nil)
        if !isEmpty {
            context.write(
                self.wrapOutboundOut(.data(.init(data: .byteBuffer(request.body), endStream: true))), promise: nil
            )
        }
        context.flush()
    }

    private func headers(of request: TransportRequest) throws(NeedletailError) -> HPACKHeaders {
        try RequestEncoder.checkPath(request.path)
        var headers = HPACKHeaders()
        headers.reserveCapacity(request.headers.count + 6)
        headers.add(name: ":method", value: request.method.rawValue)
        headers.add(name: ":scheme", value: self.shard.origin.scheme.rawValue)
        headers.add(name: ":authority", value: self.shard.origin.hostHeader)
        headers.add(name: ":path", value: request.path)
        headers.add(name: "accept-encoding", value: "identity")
        for field in request.headers where !RequestEncoder.isOurs(field.name) {
            try RequestEncoder.check(field)
            headers.add(name: field.name.canonicalName, value: field.value)
        }
        if request.body.readableBytes > 0 || RequestEncoder.alwaysSaysLength(request.method) {
            headers.add(name: "content-length", value: "\(request.body.readableBytes)")
        }
        return headers
    }

    // MARK: Response

    private func readHead(_ headers: HPACKHeaders) {
        // What comes after the head are trailers.
        guard !self.hasHead else { return }
        guard let status = headers.first(name: ":status").flatMap({ Int($0) }), (100...999).contains(status) else {
            self.end(with: Self.malformed("sent no readable status"))
            return
        }
        // Interim responses; the answer follows.
        if status < 200 { return }
        var fields = HTTPFields()
        var bytes = 0
        for (name, value, _) in headers where !name.hasPrefix(":") {
            bytes += name.utf8.count + value.utf8.count
            guard let name = HTTPField.Name(name), bytes <= self.shard.options.maximumHeaderBytes else {
                self.end(with: Self.malformed("sent a header with an invalid name, or too many"))
                return
            }
            fields.append(HTTPField(name: name, value: value))
        }
        if let coding = ContentCoding.unasked(in: fields) {
            self.end(with: ContentCoding.error(coding))
            return
        }
        self.hasHead = true
        self.head = ResponseHead(status: status, headers: fields)
        self.connection.noteAnswer()
    }

    private static func malformed(_ reason: String) -> NeedletailError {
        NeedletailError(.malformedReply, "The provider \(reason).", mayHaveBeenProcessed: true)
    }

    private func deliver() {
        guard let exchange = self.exchange, self.head != nil || self.body != nil else { return }
        let head = self.head
        let body = self.body
        self.head = nil
        self.body = nil
        if body != nil { self.hasBody = true }
        // Before the consumer knows, so that its time is not counted as the provider's.
        let now = self.shard.time.now()
        self.isPaused = exchange.deliver(
            head: head, body: body, isEnd: false, limit: self.shard.options.bodyBufferBytes
        )
        self.clock.enter(
            self.isPaused ? .paused : self.hasBody ? .body : .firstBody, now: now
        )
    }

    private func finish() {
        guard self.hasHead else {
            self.end(with: Self.malformed("ended its answer before its head"))
            return
        }
        let head = self.head
        let body = self.body
        self.head = nil
        self.body = nil
        guard let exchange = self.takeExchange() else { return }
        _ = exchange.deliver(head: head, body: body, isEnd: true, limit: .max)
    }

    private func takeExchange() -> Exchange? {
        guard let exchange = self.exchange else { return nil }
        self.exchange = nil
        self.isPaused = false
        self.connection.streamEnded(self)
        return exchange
    }

    /// Sends `RST_STREAM`, at once if the stream is open.
    private func reset() {
        self.context?.close(promise: nil)
    }
}
