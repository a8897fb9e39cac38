import HTTPTypes
import NIOCore
import NeedletailCore
import Synchronization

/// What carries an exchange on an event loop: a connection, a stream, a dial.
///
/// All calls come on the carrier's loop. An exchange may have ended or moved on by then, so it is passed along.
protocol ExchangeCarrier: AnyObject {
    /// The consumer has taken what was buffered; reading may go on.
    func resumeReading(_ exchange: Exchange)
    /// The consumer gave up.
    func abandon(_ exchange: Exchange)
    /// The consumer needs no more of a body whose end is near.
    func drain(_ exchange: Exchange)
}

extension ExchangeCarrier {
    func drain(_ exchange: Exchange) { self.abandon(exchange) }
}

/// One request and its answer, shared by the loop that carries it and the task that waits for it.
///
/// The lock guards a few words; nothing is done under it. The consumer suspends at most once per burst of reads.
final class Exchange: TransportBodySource {
    private struct State {
        var request: TransportRequest?
        var carrier: NIOLoopBound<any ExchangeCarrier>?
        var waiter: WaitingTask?
        var head: ResponseHead?
        var chunk: ByteBuffer?
        /// Nothing more will be delivered.
        var isOver = false
        var failure: NeedletailError?
        /// The carrier has stopped reading until a chunk is taken.
        var isPaused = false
        /// The consumer needs no more; what still comes is dropped.
        var isDrained = false
        var hasBeenRepeated = false
    }

    let timeouts: Timeouts
    let deadline: Instant?
    /// When the request came to the transport.
    let start: Instant
    let isHead: Bool
    private let state: Mutex<State>

    init(_ request: TransportRequest, start: Instant) {
        self.timeouts = request.timeouts
        // `total` is the request's own limit, the deadline the caller's; the earlier one counts.
        let own = start.advanced(by: request.timeouts.total)
        self.deadline = request.deadline.map { min($0, own) } ?? own
        self.start = start
        self.isHead = request.method == .head
        self.state = Mutex(State(request: request))
    }

    /// Why it need not be started.
    var startError: NeedletailError? {
        if Task.isCancelled { return Self.cancelled }
        return ExchangeClock(self, phase: .connecting, now: self.start).expired(at: self.start)
    }

    // MARK: Carrier side

    /// The request, until its head has arrived; `nil` when it is over already.
    var request: TransportRequest? {
        self.state.withLock { $0.isOver ? nil : $0.request }
    }

    /// Whether nobody waits for anything more.
    var isOver: Bool {
        self.state.withLock { $0.isOver }
    }

    /// Says who carries the exchange now.
    ///
    /// - Returns: Whether the exchange still wants to be carried.
    func attach(_ carrier: any ExchangeCarrier, on loop: any EventLoop) -> Bool {
        self.state.withLock { state in
            guard !state.isOver else { return false }
            state.carrier = NIOLoopBound(carrier, eventLoop: loop)
            return true
        }
    }

    /// Forgets who carries the exchange.
    func detach() {
        self.state.withLock { $0.carrier = nil }
    }

    /// Whether the request may be sent again; `true` once.
    func mayRepeat() -> Bool {
        self.state.withLock { state in
            guard !state.isOver, !state.hasBeenRepeated, state.request != nil else { return false }
            state.hasBeenRepeated = true
            return true
        }
    }

    /// Hands over what a burst of reads brought.
    ///
    /// - Returns: Whether to stop reading until ``ExchangeCarrier/resumeReading(_:)``.
    func deliver(head: ResponseHead?, body: consuming ByteBuffer?, isEnd: Bool, limit: Int) -> Bool {
        let (waiter, isPaused) = self.state.withLock { state -> (WaitingTask?, Bool) in
            guard !state.isOver else { return (nil, false) }
            if let head {
                state.head = head
                state.request = nil
            }
            if var body, !state.isDrained {
                if state.chunk == nil { state.chunk = body } else { state.chunk?.writeBuffer(&body) }
            }
            if isEnd {
                state.isOver = true
                state.carrier = nil
            }
            state.isPaused = !isEnd && (state.chunk?.readableBytes ?? 0) >= limit
            defer { state.waiter = nil }
            return (state.waiter, state.isPaused)
        }
        waiter?.resume()
        return isPaused
    }

    /// Ends the exchange with an error; what was delivered before can still be read.
    func fail(_ error: NeedletailError) {
        let waiter = self.state.withLock { state -> WaitingTask? in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.failure = error
            state.carrier = nil
            state.request = nil
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    // MARK: Consumer side

    /// Waits for the head.
    func waitForHead() async throws(NeedletailError) -> ResponseHead {
        await self.wait()
        let result = self.state.withLock { state -> Result<ResponseHead, NeedletailError> in
            if let head = state.head {
                state.head = nil
                return .success(head)
            }
            return .failure(state.failure ?? Self.misuse)
        }
        return try result.get()
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        if let ready = self.take() { return try ready.get() }
        await self.wait()
        if let ready = self.take() { return try ready.get() }
        // Woken without anything: a second task waits on the same body.
        throw Self.misuse
    }

    func takeWhole() -> ByteBuffer? {
        self.state.withLock { state in
            guard state.isOver, state.failure == nil, let chunk = state.chunk else { return nil }
            state.chunk = nil
            return chunk
        }
    }

    func cancel() {
        self.end(Self.cancelled)
    }

    private static let cancelled = NeedletailError(.cancelled, "The request was cancelled.")

    func drain() {
        let carrier = self.state.withLock { state -> NIOLoopBound<any ExchangeCarrier>? in
            state.chunk = nil
            guard !state.isOver, !state.isDrained else { return nil }
            state.isDrained = true
            state.isPaused = false
            return state.carrier
        }
        if let carrier { self.tell(carrier) { carrier, exchange in carrier.drain(exchange) } }
    }

    private static let misuse = NeedletailError(.internalFailure, "A response was read by two tasks at once.")

    /// What is there to be taken; `nil` if the consumer must wait.
    private func take() -> Result<ByteBuffer?, NeedletailError>? {
        let (result, paused) = self.state.withLock {
            state -> (Result<ByteBuffer?, NeedletailError>?, NIOLoopBound<any ExchangeCarrier>?) in
            if let chunk = state.chunk {
                state.chunk = nil
                guard state.isPaused else { return (.success(chunk), nil) }
                state.isPaused = false
                return (.success(chunk), state.carrier)
            }
            guard state.isOver else { return (nil, nil) }
            return (state.failure.map { .failure($0) } ?? .success(nil), nil)
        }
        if let paused { self.tell(paused) { carrier, exchange in carrier.resumeReading(exchange) } }
        return result
    }

    /// Suspends until something was delivered; returns at once if it was already.
    private func wait() async {
        await withTaskCancellationHandler {
            await unsafe withUnsafeContinuation { continuation in
                let waiting = unsafe WaitingTask(continuation)
                let isReady = self.state.withLock { state in
                    if state.isOver || state.head != nil || state.chunk != nil || state.waiter != nil { return true }
                    state.waiter = waiting
                    return false
                }
                if isReady { waiting.resume() }
            }
        } onCancel: {
            self.cancel()
        }
    }

    /// Gives up from the consumer's side: what is buffered is dropped and the carrier told.
    private func end(_ error: NeedletailError) {
        let (waiter, carrier) = self.state.withLock {
            state -> (WaitingTask?, NIOLoopBound<any ExchangeCarrier>?) in
            state.chunk = nil
            guard !state.isOver, !state.isDrained else { return (nil, nil) }
            state.isOver = true
            state.failure = error
            state.request = nil
            defer {
                state.waiter = nil
                state.carrier = nil
            }
            return (state.waiter, state.carrier)
        }
        waiter?.resume()
        if let carrier { self.tell(carrier) { carrier, exchange in carrier.abandon(exchange) } }
    }

    private func tell(
        _ carrier: NIOLoopBound<any ExchangeCarrier>,
        _ what: @escaping @Sendable (any ExchangeCarrier, Exchange) -> Void
    ) {
        if carrier.eventLoop.inEventLoop {
            what(carrier.value, self)
        } else {
            carrier.eventLoop.execute { what(carrier.value, self) }
        }
    }
}

/// A suspended task, to be resumed exactly once: whoever takes it out of the state resumes it.
@safe
private struct WaitingTask: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) {
        unsafe self.continuation = continuation
    }

    func resume() {
        unsafe self.continuation.resume()
    }
}
