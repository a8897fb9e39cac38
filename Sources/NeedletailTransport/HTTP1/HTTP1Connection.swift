import NIOCore
import NeedletailCore

/// One HTTP/1.1 connection: the last handler of its channel, and an entry of its shard.
///
/// Carries one exchange at a time. Reading stops while the consumer has a full buffer that it does not take; an idle
/// connection keeps reading so that the peer's close is seen.
final class HTTP1Connection: ChannelDuplexHandler, ExchangeCarrier, TurnFlushed {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let shard: LoopShard
    private var context: ChannelHandlerContext?
    private var parser: ResponseParser
    private var exchange: Exchange?
    private var clock: ExchangeClock?
    /// Body bytes of the running burst of reads.
    private var body: ByteBuffer?
    /// The head, until the burst that brought it is delivered.
    private var head: ResponseHead?
    private var hasHead = false
    private var hasBody = false
    private var isPaused = false
    private var wantsRead = false
    private var served = 0
    /// A TLS close takes a while, in which the channel still looks open.
    private var isClosing = false
    /// A large body has not all been taken by the peer.
    private var isSending = false
    /// Looks at the limits since the consumer needed no more; `nil` while it does.
    private var drainLooks: Int?
    /// When the exchange's request was written.
    private var carriedAt = Instant(nanoseconds: 0)
    /// When the connection became idle; `nil` while it is in use.
    private(set) var idleSince: Instant?
    /// Where the shard keeps it.
    var slot = -1
    /// Whether the right to be open is still this connection's.
    private var holdsSlot = true

    init(shard: LoopShard) {
        self.shard = shard
        self.parser = ResponseParser(maximumHeaderBytes: shard.options.maximumHeaderBytes)
    }

    // MARK: Shard side

    /// Whether it can carry an exchange.
    var isUsable: Bool { self.exchange == nil && !self.isClosing && self.context?.channel.isActive == true }

    /// Sends the exchange's request.
    func carry(_ exchange: Exchange) {
        guard let context = self.context, let request = exchange.request,
            exchange.attach(self, on: context.eventLoop)
        else {
            self.becomeFree()
            return
        }
        let bytes: ByteBuffer
        let includesBody: Bool
        do {
            (bytes, includesBody) = try self.shard.encoder.encode(request, allocator: context.channel.allocator)
        } catch {
            exchange.fail(error)
            self.becomeFree()
            return
        }
        self.exchange = exchange
        self.idleSince = nil
        self.parser.expectResponse(toHead: exchange.isHead)
        self.hasHead = false
        self.hasBody = false
        self.drainLooks = nil
        self.carriedAt = self.shard.time.now()
        self.clock = ExchangeClock(exchange, phase: includesBody ? .head : .sending, now: self.carriedAt)
        if includesBody {
            context.write(self.wrapOutboundOut(bytes), promise: nil)
            self.shard.flushes.add(self)
        } else {
            self.isSending = true
            context.write(self.wrapOutboundOut(bytes), promise: nil)
            let sent = context.eventLoop.makePromise(of: Void.self)
            sent.futureResult.assumeIsolated().whenSuccess { self.bodySent() }
            context.writeAndFlush(self.wrapOutboundOut(request.body), promise: sent)
        }
    }

    func flushNow() {
        self.context?.flush()
    }

    private func bodySent() {
        self.isSending = false
        guard self.clock?.phase == .sending else { return }
        self.clock?.enter(.head, now: self.shard.time.now())
    }

    /// Ends the exchange if one of its limits has passed.
    func checkLimits(now: Instant) {
        if let exchange = self.exchange, let looks = self.drainLooks {
            // The end did not come within one to two ticks: the connection is not worth waiting for.
            self.drainLooks = looks + 1
            if looks > 0 { self.abandon(exchange) }
            return
        }
        guard let exchange = self.exchange, let error = self.clock?.expired(at: now) else { return }
        self.end(exchange, with: error)
    }

    /// Closes the connection.
    func close() {
        guard !self.isClosing else { return }
        self.isClosing = true
        self.context?.close(promise: nil)
    }

    /// Fails what runs and closes.
    func shutDown(_ error: NeedletailError) {
        if let exchange = self.exchange { self.end(exchange, with: error) } else { self.close() }
    }

    // MARK: Exchange side

    func resumeReading(_ exchange: Exchange) {
        guard self.exchange === exchange, self.isPaused else { return }
        self.isPaused = false
        self.clock?.enter(.body, now: self.shard.time.now())
        guard self.wantsRead else { return }
        self.wantsRead = false
        self.context?.read()
    }

    func abandon(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        self.close()
    }

    func drain(_ exchange: Exchange) {
        guard self.exchange === exchange else { return }
        self.drainLooks = 0
        self.resumeReading(exchange)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func read(context: ChannelHandlerContext) {
        if self.isPaused { self.wantsRead = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        guard self.exchange != nil, !self.parser.isComplete else {
            // Bytes that nobody asked for: what they belong to cannot be known.
            self.close()
            return
        }
        var malformed: MalformedMessage?
        do { try self.parser.read(&bytes, into: &self.body) } catch { malformed = error }
        // A head that was whole counts, whatever follows it.
        if let head = self.parser.takeHead() {
            if let coding = ContentCoding.unasked(in: head.headers) {
                self.body = nil
                self.breakOff(ContentCoding.error(coding))
                return
            }
            self.hasHead = true
            self.head = head
        }
        if let malformed {
            let message = "The provider \(malformed.reason)."
            self.breakOff(NeedletailError(.malformedReply, message, mayHaveBeenProcessed: true))
            return
        }
        guard self.parser.isComplete else { return }
        self.finish(isReusable: self.parser.isKeepAlive && bytes.readableBytes == 0)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.deliver()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.peerClosed(nil)
        self.shard.connectionClosed(self, holdsSlot: self.holdsSlot)
        self.exchange = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A TLS close without its goodbye ends a message as any close does: whoever cuts one is caught by the framing.
        self.peerClosed(error)
        self.close()
    }

    // MARK: Progress

    /// Hands over what has arrived, once per burst of reads.
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
        self.clock?.enter(
            self.isPaused ? .paused : self.hasBody ? .body : .firstBody, now: now
        )
    }

    /// The response is over.
    private func finish(isReusable: Bool) {
        guard let exchange = self.exchange else { return }
        let head = self.head
        let body = self.body
        self.head = nil
        self.body = nil
        self.exchange = nil
        self.clock = nil
        self.isPaused = false
        self.served += 1
        if self.wantsRead {
            self.wantsRead = false
            self.context?.read()
        }
        // Free before the consumer knows: its next request is to find this connection.
        // An answer that came before the request was taken leaves the rest of it in the way of the next.
        if isReusable, !self.isSending { self.becomeFree() } else { self.close() }
        _ = exchange.deliver(head: head, body: body, isEnd: true, limit: .max)
    }

    private func becomeFree() {
        guard self.isUsable else { return }
        self.idleSince = self.shard.time.now()
        self.shard.connectionFree(self)
    }

    /// Ends the exchange with `error` after handing over what came before it.
    private func breakOff(_ error: NeedletailError) {
        if let exchange = self.exchange {
            self.deliver()
            self.end(exchange, with: error)
        } else {
            self.close()
        }
    }

    private func end(_ exchange: Exchange, with error: NeedletailError) {
        self.exchange = nil
        self.clock = nil
        exchange.fail(error)
        self.close()
    }

    /// The connection ended under the exchange: its proper end, a stale connection, or a cut.
    private func peerClosed(_ cause: (any Error)?) {
        guard let exchange = self.exchange else { return }
        if self.parser.endsWithConnection, cause.map(TransportFailure.isPlainClose) ?? true {
            self.finish(isReusable: false)
            return
        }
        let isStale = self.shard.time.now() <= self.carriedAt.advanced(by: LoopShard.staleWindow)
        if self.served > 0, isStale, !self.parser.hasStarted, exchange.mayRepeat() {
            // RFC 9112, 9.3.1: the peer may close an idle connection at any time, and the request was on its way.
            self.exchange = nil
            self.clock = nil
            exchange.detach()
            // Its successor takes the right to be open, so that it need not queue.
            let slot = self.holdsSlot
            self.holdsSlot = false
            self.shard.retry(exchange, withSlot: slot)
            return
        }
        self.breakOff(
            TransportFailure.broken(hasStarted: self.parser.hasStarted, hasHead: self.hasHead, cause: cause)
        )
    }
}
