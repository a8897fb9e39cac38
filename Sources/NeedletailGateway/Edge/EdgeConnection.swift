import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailTransport

/// One HTTP/1.1 connection, or one stream of an HTTP/2 connection: turns message parts into requests, hands them one
/// after the other to the connection's task, and writes what the task answers.
///
/// Used on its event loop only. A client that closes its sending side counts as gone: nothing else tells a client that
/// left from one that waits, and an upstream must not work for nobody.
@safe final class EdgeConnection: ChannelDuplexHandler, EdgeMember, TurnFlushed {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = NIOAny

    /// Where the connection stands with the request that it reads or answers.
    enum Phase {
        /// Waiting for a request's headers.
        case idle
        /// Reading a request's body.
        case body
        /// The request is with the task.
        case answering
        /// Answered before its body was read, which is thrown away.
        case discarding
        /// The last response has been sent; input is thrown away until the client closes.
        case lingering
        /// Over.
        case closed
    }

    /// Where the response to the current request stands.
    enum Response {
        case none, streaming, done
    }

    let shared: EdgeLoop
    let isHTTP2: Bool
    var slot = -1
    var context: ChannelHandlerContext?
    var phase = Phase.idle
    /// The coarse time of the last thing that a deadline counts from.
    var since: Instant

    // The request.
    private(set) var head: HTTPRequestHead?
    private var body: ByteBuffer?
    private var facts: RequestFacts?
    /// What the handler has learned of the head.
    private var admission: (any AnyObject & Sendable)?
    private var parser = RequestParser()
    /// What arrived while a request was being answered, not yet read.
    private var ahead: ByteBuffer?
    /// When bytes of a head that is not yet whole arrived.
    private var headSince: Instant?
    private var hasAnswered = false
    private var isReadHeld = false
    /// Whether what has been read is being looked at.
    private var isReading = false

    // The task.
    private var task: Task<Void, Never>?
    private var job: EdgeJob?
    private var consumer: UnsafeContinuation<EdgeJob?, Never>?

    // The response; written by the other half of this type.
    var response = Response.done
    var responseFraming = HTTP1Response.Framing.none
    /// Tells the current request's responder from an earlier one.
    var serial: UInt64 = 0
    var keepsAlive = true
    var writer: UnsafeContinuation<Bool, Never>?
    /// Whether something has been written that goes out at the end of the loop's turn.
    var isFlushDue = false
    /// Bytes of a stream written since the last flush. TLS counts nothing as waiting that is not flushed.
    var unflushedBytes = 0
    /// Whether the connection ends when what has been written is out.
    var isEnding = false
    /// Whether the connection's last response is out.
    var isConcluded = false

    init(_ shared: EdgeLoop, isHTTP2: Bool) {
        self.shared = shared
        self.isHTTP2 = isHTTP2
        self.since = shared.now
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.shared.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.end()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.end()
        context.fireChannelInactive()
    }

    /// Bytes of an HTTP/1.1 connection; the parts of HTTP/2 streams come by ``receive(_:)``.
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        guard self.ahead == nil, !self.isReading else {
            if self.ahead == nil { self.ahead = bytes } else { self.ahead?.writeImmutableBuffer(bytes) }
            return
        }
        self.read(bytes)
    }

    /// Reads no further while something that has been read waits for its turn. Otherwise one read is always
    /// outstanding, so that a client's leaving is noticed.
    func read(context: ChannelHandlerContext) {
        if self.ahead == nil {
            context.read()
        } else {
            self.isReadHeld = true
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            self.since = self.shared.now
            self.resumeWriter(true)
            if !self.isHTTP2 { self.readAhead() }
        }
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The connection broke, or TLS or HTTP/2 did: nobody is left to answer.
        self.close()
    }

    // MARK: Reading a request

    /// Whether what has been read may be looked at: not while a request is with the task, and no further request while the
    /// client does not take the answers to those before, which would have no bound.
    private var mayRead: Bool {
        switch self.phase {
        case .idle: !self.isEnding && self.context?.channel.isWritable ?? false
        case .body, .discarding, .lingering: true
        case .answering, .closed: false
        }
    }

    /// Reads requests until one of them is with the task.
    private func read(_ first: ByteBuffer) {
        var bytes = first
        self.isReading = true
        defer { self.isReading = false }
        do throws(RequestParser.Fault) {
            while self.mayRead {
                if let part = try self.parser.next(&bytes, limits: self.shared.limits, names: &self.shared.names) {
                    switch part {
                    case .head(let head, let facts): self.receive(head, facts)
                    case .body(let bytes): self.receive(bytes)
                    case .end: self.receiveEnd()
                    }
                } else if let late = self.ahead {
                    // What came while an answer was written.
                    self.ahead = nil
                    bytes = late
                } else {
                    break
                }
            }
        } catch {
            self.ahead = nil
            return self.refuse(error)
        }
        self.headSince = self.parser.isInHead ? self.headSince ?? self.shared.now : nil
        // Behind the connection's last request nothing is a request.
        guard bytes.readableBytes > 0, self.phase != .closed, !self.isEnding else { return }
        if let late = self.ahead { bytes.writeImmutableBuffer(late) }
        self.ahead = bytes
    }

    /// Goes on with what has been read already, and lets more be read when nothing of it is left.
    private func readAhead() {
        // Whoever reads goes on by itself.
        guard !self.isReading else { return }
        if let ahead = self.ahead, self.mayRead {
            self.ahead = nil
            self.read(ahead)
        }
        if self.isReadHeld, self.ahead == nil {
            self.isReadHeld = false
            self.context?.read()
        }
    }

    /// A part of an HTTP/2 stream's request.
    func receive(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head): self.receive(head, RequestFacts(head))
        case .body(let bytes): self.receive(bytes)
        case .end: self.receiveEnd()
        }
    }

    private func receiveEnd() {
        switch self.phase {
        case .body: self.handOver()
        case .discarding: self.awaitNext()
        case .lingering:
            // Nothing is left to read. A response that is still on its way ends the connection when it is out.
            self.phase = .answering
            if self.isConcluded { self.close() }
        case .idle, .answering, .closed: break
        }
    }

    private func receive(_ head: HTTPRequestHead, _ facts: RequestFacts) {
        guard self.phase == .idle else { return }
        self.head = head
        self.facts = facts
        self.admission = nil
        self.body = nil
        self.since = self.shared.now
        self.serial &+= 1
        self.response = .none
        self.hasAnswered = true
        self.keepsAlive =
            facts.keepsAlive(head.version) && !facts.isUpgrade && !self.isHTTP2 && !self.shared.isDraining
        if !self.isHTTP2, let fault = facts.fault(in: head) {
            self.keepsAlive = false
            return self.refuse(self.shared.handler.failure(NeedletailError(.invalidRequest, fault), for: head))
        }
        if let origin = facts.origin, let answer = self.shared.cors?.preflight(head, origin: origin) {
            return self.refuse(answer)
        }
        switch self.shared.handler.admit(head, from: self.context?.remoteAddress) {
        case .refused(let answer): return self.refuse(answer)
        case .admitted(let admission): self.admission = admission
        }
        if let length = facts.contentLength, length > self.shared.limits.bodyBytes { return self.refuseLargeBody() }
        if facts.expectsContinue, facts.hasBody { self.writeContinue() }
        self.phase = .body
    }

    private func receive(_ bytes: ByteBuffer) {
        guard self.phase == .body else { return }  // the rest of a message that has been answered
        self.since = self.shared.now
        guard var body = self.body else {
            guard bytes.readableBytes <= self.shared.limits.bodyBytes else { return self.refuseLargeBody() }
            self.body = bytes
            return
        }
        guard bytes.readableBytes <= self.shared.limits.bodyBytes - body.readableBytes else {
            return self.refuseLargeBody()
        }
        self.body = nil  // so that the bytes are appended in place
        if let length = self.facts?.contentLength, body.writableBytes < length - body.readableBytes {
            // Not more at once than has been sent: what a client announces costs it nothing.
            body.reserveCapacity(
                minimumWritableBytes: min(length - body.readableBytes, max(body.readableBytes, 1 << 18)))
        }
        body.writeImmutableBuffer(bytes)
        self.body = body
    }

    // MARK: The task

    private func handOver() {
        guard let head = self.head else { return }
        self.phase = .answering
        let request = EdgeRequest(head: head, body: self.body ?? ByteBuffer(), admission: self.admission)
        // A stream may take long, and the headers are the handler's from here on.
        self.head = HTTPRequestHead(version: head.version, method: head.method, uri: head.uri)
        self.body = nil
        self.admission = nil
        self.facts = self.shared.cors == nil ? nil : self.facts
        let bound = NIOLoopBound(self, eventLoop: self.shared.loop)
        let job = EdgeJob(
            request: request, responder: EdgeResponder(bound, loop: self.shared.loop, serial: self.serial))
        if let consumer = unsafe self.consumer {
            unsafe self.consumer = nil
            unsafe consumer.resume(returning: job)
            return
        }
        self.job = job
        guard self.task == nil else { return }
        // The one task of the connection; ended by `end()`, which every closed channel comes to.
        let handler = self.shared.handler
        self.task = Task(executorPreference: self.shared.executor) {
            while let job = await bound.value.next() {
                let responder = job.responder
                await handler.respond(to: (consume job).request, through: responder)
                bound.value.responded()
            }
        }
    }

    /// The next request; `nil` when the connection is over. Called by the connection's task.
    private func next() async -> EdgeJob? {
        if let job = self.job {
            self.job = nil
            return job
        }
        if self.phase == .closed { return nil }
        return unsafe await withUnsafeContinuation { unsafe self.consumer = $0 }
    }

    /// Ends the task of a connection that is kept open and asks nothing: a task keeps the memory that its deepest call
    /// needed. The next request begins another.
    private func rest() {
        guard let consumer = unsafe self.consumer else { return }
        unsafe self.consumer = nil
        self.task = nil
        unsafe consumer.resume(returning: nil)
    }

    /// The handler has returned. Called by the connection's task.
    private func responded() {
        switch self.response {
        case .none:
            let error = NeedletailError(.internalFailure, "The request was not answered.")
            self.send(self.shared.handler.failure(error, for: self.head), serial: self.serial)
        case .streaming: self.reset(serial: self.serial)
        case .done: break
        }
        guard self.phase == .answering else { return }
        // A drain that came between the response and here has ended nothing yet.
        if self.keepsAlive || self.isHTTP2 || !self.isEnding { self.awaitNext() }
    }

    /// Goes on to the next request, which may have been read already.
    func awaitNext() {
        self.phase = .idle
        self.head = nil
        self.facts = nil
        self.since = self.shared.now
        self.headSince = nil
        if !self.isHTTP2, !self.keepsAlive || self.shared.isDraining { return self.closeWhenFlushed() }
        self.readAhead()
    }

    /// Ends the task and everybody who waits. The channel is closed or closing.
    private func end() {
        guard self.phase != .closed else { return }
        self.phase = .closed
        self.shared.remove(self)
        self.job = nil
        self.body = nil
        self.admission = nil
        self.ahead = nil
        if let consumer = unsafe self.consumer {
            unsafe self.consumer = nil
            unsafe consumer.resume(returning: nil)
        }
        // A handler whose response is out may finish its accounts undisturbed.
        if self.response != .done { self.task?.cancel() }
        self.response = .done
        self.task = nil
        self.resumeWriter(false)
    }

    func resumeWriter(_ isOpen: Bool) {
        guard let writer = unsafe self.writer else { return }
        unsafe self.writer = nil
        unsafe writer.resume(returning: isOpen)
    }

    // MARK: Refusals

    /// Answers before the body has been read.
    private func refuse(_ answer: EdgeResponse) {
        guard self.response == .none else { return }
        let facts = self.facts
        let isSmall = facts.map { !$0.isChunked && ($0.contentLength ?? 0) <= EdgeLimits.discardableBytes } ?? false
        if !isSmall || facts?.expectsContinue == true && facts?.hasBody == true { self.keepsAlive = false }
        // Before it is sent: sending may end the connection.
        self.phase = self.keepsAlive || self.isHTTP2 ? .discarding : .lingering
        self.send(answer, serial: self.serial)
        // A client may have closed its side right behind the request, and that is read in this very turn.
        self.flushNow()
    }

    private func refuseLargeBody() {
        self.body = nil
        self.keepsAlive = false
        let limit = self.shared.limits.bodyBytes
        let error = NeedletailError(.tooLarge, "The request's body is larger than \(limit) bytes.")
        self.refuse(self.shared.handler.failure(error, for: self.head))
    }

    private func refuse(_ fault: RequestParser.Fault) {
        switch self.phase {
        case .idle, .body: break
        case .discarding:
            self.close()
            return
        case .answering, .lingering, .closed: return
        }
        self.refuse(status: fault.status, "The request is no well-formed HTTP/1.1: the client \(fault.reason).")
    }

    /// Answers what cannot be read, and ends the connection.
    private func refuse(status: Int, _ message: String) {
        var answer = self.shared.handler.failure(NeedletailError(.invalidRequest, message), for: self.head)
        answer.status = status
        self.body = nil
        self.keepsAlive = false
        if self.phase == .idle {
            self.serial &+= 1
            self.response = .none
        }
        self.refuse(answer)
    }

    // MARK: Deadlines

    func tick(_ now: Instant) {
        let limits = self.shared.limits
        let waited = now.duration(since: self.since)
        let isStalled = self.context.map { !$0.channel.isWritable } ?? false
        if isStalled, waited >= limits.stallTime {
            self.close()
            return
        }
        switch self.phase {
        case .idle:
            if let headSince = self.headSince, !isStalled, now.duration(since: headSince) >= limits.headerTime {
                self.refuse(status: 408, "The request's headers did not arrive in time.")
            } else if waited >= (self.hasAnswered ? limits.idleTime : limits.headerTime), self.headSince == nil {
                self.close()
            } else if waited >= EdgeLimits.restTime {
                self.rest()
            }
        case .body where waited >= limits.bodyTime:
            self.refuse(status: 408, "The request's body did not arrive in time.")
        case .discarding where waited >= limits.bodyTime: self.close()
        case .lingering where waited >= EdgeLimits.lingerTime && !isStalled: self.close()
        // The last response is written, and its client does not take it.
        case .answering where waited >= limits.stallTime && self.isEnding && self.response == .done: self.close()
        case .body, .answering, .discarding, .lingering, .closed: break
        }
    }

    func drain() {
        guard !self.isHTTP2 else { return }
        if self.phase == .idle, self.headSince == nil {
            self.closeWhenFlushed()
        } else if self.phase != .discarding {
            self.keepsAlive = false
        }
    }

    /// The task is cancelled and may still answer: it knows what its client is to be told.
    func expire() {
        switch self.phase {
        case .answering:
            guard self.response != .done else { return }
            self.task?.cancel()
            self.resumeWriter(false)
        case .idle, .body: self.cut()
        case .discarding, .lingering, .closed: break
        }
    }

    func cut() {
        self.close()
    }

    /// The headers that let the current request's page read the reply.
    var corsHeaders: HTTPFields? {
        guard let cors = self.shared.cors, let origin = self.facts?.origin, cors.allows(origin) else { return nil }
        return cors.headers(for: origin)
    }
}

/// A request on its way to the task.
struct EdgeJob {
    let request: EdgeRequest
    let responder: EdgeResponder
}
