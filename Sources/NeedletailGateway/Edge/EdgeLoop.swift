import NIOCore
import NeedletailCore
import NeedletailTransport
import Synchronization

/// Whatever has deadlines on a loop: a connection, an HTTP/2 stream, a TLS handshake.
protocol EdgeMember: AnyObject {
    /// Its place among the loop's members; kept by ``EdgeLoop``.
    var slot: Int { get set }
    /// Looks at its deadlines.
    func tick(_ now: Instant)
    /// Ends what is idle, and makes what runs its last.
    func drain()
    /// Ends soon, with an answer where one is due.
    func expire()
    /// Ends at once.
    func cut()
}

/// What the connections of one event loop share. Made for the loop and never used outside it.
final class EdgeLoop {
    let loop: any EventLoop
    let executor: LoopTaskExecutor
    let handler: any EdgeHandler
    private(set) var limits: EdgeLimits
    private(set) var cors: CORSPolicy?
    /// Counts connections of the whole server.
    let census: EdgeCensus
    /// The time of the last tick. Deadlines are coarse, so that no request reads a clock for them.
    private(set) var now: Instant
    /// The `date` line of responses, made once per tick.
    private(set) var dateLine: String
    let flushes: TurnFlushes
    /// The names of the last request's headers.
    var names = HeaderNames()
    /// Small responses and chunks are written into these, one after the other; each is free again once the socket has
    /// taken it, which is at the turn's end.
    private var scratches = [ByteBuffer](repeating: ByteBuffer(), count: TurnFlushes.most)
    private var scratchIndex = 0
    private(set) var isDraining = false
    private var members: [any EdgeMember] = []
    private let time: TimeSource

    init(
        _ loop: any EventLoop,
        handler: any EdgeHandler,
        configuration: EdgeConfiguration,
        census: EdgeCensus,
        time: TimeSource
    ) {
        self.loop = loop
        self.executor = LoopTaskExecutor(loop)
        self.flushes = TurnFlushes(loop)
        self.handler = handler
        self.limits = configuration.limits
        self.cors = configuration.cors
        self.census = census
        self.time = time
        self.now = time.now()
        self.dateLine = "date: \(HTTPDate.text(time.wallSeconds()))\r\n"
    }

    /// Lets another limit and another policy hold for what comes from now on.
    func replace(bodyLimit: Int, cors: CORSPolicy?) {
        self.limits.bodyBytes = bodyLimit
        self.cors = cors
    }

    /// The buffer for the next small response or chunk.
    var scratch: ByteBuffer {
        _read { yield self.scratches[self.scratchIndex] }
        _modify { yield &self.scratches[self.scratchIndex] }
    }

    /// Goes on to an empty buffer with room for `capacity` bytes.
    func renewScratch(_ capacity: Int) {
        self.scratchIndex = (self.scratchIndex + 1) % self.scratches.count
        self.scratches[self.scratchIndex].clear(minimumCapacity: capacity)
    }

    func add(_ member: any EdgeMember) {
        member.slot = self.members.count
        self.members.append(member)
        guard self.isDraining else { return }
        // Accepted just before the listener closed: it is told what the others have been told, once it is set up.
        let late = NIOLoopBound(member, eventLoop: self.loop)
        self.loop.execute { if late.value.slot >= 0 { late.value.drain() } }
    }

    func remove(_ member: any EdgeMember) {
        let slot = member.slot
        guard slot >= 0, slot < self.members.count, self.members[slot] === member else { return }
        member.slot = -1
        let last = self.members.removeLast()
        guard last !== member else { return }
        self.members[slot] = last
        last.slot = slot
    }

    func tick() {
        self.now = self.time.now()
        self.dateLine = "date: \(HTTPDate.text(self.time.wallSeconds()))\r\n"
        // A copy: members leave while they are looked at.
        for member in self.members { member.tick(self.now) }
    }

    func drain() {
        self.isDraining = true
        for member in self.members { member.drain() }
    }

    func expire() {
        for member in self.members { member.expire() }
    }

    func cut() {
        self.isDraining = true
        // The streams of a connection that is cut have written into it.
        self.flushes.flush()
        for member in self.members { member.cut() }
    }
}

/// Counts a server's open connections and says when there are none left.
final class EdgeCensus: Sendable {
    private struct State {
        var open = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Open connections.
    var open: Int { self.state.withLock { $0.open } }

    /// Counts a connection in.
    ///
    /// - Returns: Whether it is within the limit. It must be counted out in either case.
    func enter() -> Bool {
        self.state.withLock { state in
            state.open += 1
            return state.open <= self.limit
        }
    }

    /// Counts a connection out.
    func leave() {
        let waiters = self.state.withLock { state in
            state.open -= 1
            guard state.open == 0 else { return [Int: CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Returns when no connection is open, or when the task is cancelled.
    func untilEmpty() async {
        let id = self.state.withLock { state in
            defer { state.nextWaiter += 1 }
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = self.state.withLock { state in
                    if state.open == 0 || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
