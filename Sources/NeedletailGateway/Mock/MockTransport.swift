import HTTPTypes
import NIOCore
public import NeedletailCore
import Synchronization

/// The mock upstream in this process: what a provider of `type: mock` talks to.
public struct MockTransport: HTTPTransport {
    private let engine: MockEngine
    private let time: TimeSource

    /// Talks to `engine`, waiting by `time`.
    public init(engine: MockEngine, time: TimeSource) {
        self.engine = engine
        self.time = time
    }

    /// Plays the reply up to its head.
    public func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        try await self.play(self.engine.reply(to: MockRequest(request)), request)
    }

    /// Plays what a script makes of a request; `nil` when no rule matches.
    func sendScripted(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse? {
        guard let reply = self.engine.scriptedReply(to: MockRequest(request)) else { return nil }
        return try await self.play(reply, request)
    }

    private func play(
        _ reply: MockReply, _ request: TransportRequest
    ) async throws(NeedletailError) -> TransportResponse {
        self.engine.statistics.begin(reply)
        do {
            try await self.lead(reply, request)
        } catch {
            let end: MockStatistics.End = reply.leadInProgress.isCutShort ? .cutShort : .aborted
            self.engine.statistics.end(reply, end, progress: reply.leadInProgress, headSent: false)
            throw error
        }
        let source = MockBodySource(
            reply: reply,
            statistics: self.engine.statistics,
            pause: MockPause(time: self.time, deadline: request.deadline),
            timeouts: request.timeouts
        )
        return TransportResponse(status: reply.status, headers: reply.headers, body: TransportBody(source))
    }

    private func lead(_ reply: MockReply, _ request: TransportRequest) async throws(NeedletailError) {
        var pause = MockPause(time: self.time, deadline: request.deadline)
        pause.allow(reply.isConnectFault ? request.timeouts.connect : request.timeouts.firstToken)
        for step in reply.leadIn {
            switch step {
            case .wait(let duration): try await pause.wait(duration)
            case .stall: try await pause.waitForEver()
            case .garbledHead:
                throw NeedletailError(
                    .malformedReply, "The provider's answer is no HTTP.", mayHaveBeenProcessed: !reply.isConnectFault)
            case .reset:
                throw NeedletailError(
                    .unreachable, "The provider closed the connection before it answered.",
                    mayHaveBeenProcessed: !reply.isConnectFault)
            case .bytes, .end: break
            }
        }
    }
}

extension MockRequest {
    fileprivate init(_ request: TransportRequest) {
        self.init(
            method: request.method.rawValue, path: request.path, headers: request.headers, body: request.body)
    }
}

/// Waits by a clock, within a limit that each arrival renews and a deadline that nothing does.
struct MockPause: Sendable {
    private let time: TimeSource
    private let deadline: Instant?
    private var limit: Instant?

    init(time: TimeSource, deadline: Instant?) {
        self.time = time
        self.deadline = deadline
    }

    /// From now on, waiting together takes at most `limit`.
    mutating func allow(_ limit: Duration) {
        self.limit = self.time.now().advanced(by: limit)
    }

    func wait(_ duration: Duration) async throws(NeedletailError) {
        let wanted = self.time.now().advanced(by: duration)
        let end = [self.limit, self.deadline].compactMap { $0 }.min()
        guard let end, end < wanted else { return try await self.sleep(wanted) }
        try await self.sleep(end)
        throw NeedletailError(.timedOut, "The provider did not answer in time.", mayHaveBeenProcessed: true)
    }

    func waitForEver() async throws(NeedletailError) {
        while true { try await self.wait(.seconds(3_600)) }
    }

    private func sleep(_ until: Instant) async throws(NeedletailError) {
        do { try await self.time.sleep(until) } catch {
            throw NeedletailError(.cancelled, "The request was cancelled.")
        }
    }
}

/// Plays the steps after the head.
private final class MockBodySource: TransportBodySource {
    private struct State {
        var steps: MockSteps?
        var progress: MockProgress
        var hasStarted = false
        /// Whether the last step was no bytes, so that the reader waits for more.
        var isWaiting = false
        /// Whether the end has been counted.
        var isOver = false
    }

    private let reply: MockReply
    private let statistics: MockStatistics
    private let pause: MockPause
    private let timeouts: Timeouts
    private let state: Mutex<State>

    init(reply: MockReply, statistics: MockStatistics, pause: MockPause, timeouts: Timeouts) {
        self.reply = reply
        self.statistics = statistics
        self.pause = pause
        self.timeouts = timeouts
        self.state = Mutex(State(steps: reply.steps, progress: reply.leadInProgress))
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        var pause = self.pause
        pause.allow(self.hasStarted ? self.timeouts.idle : self.timeouts.firstToken)
        while true {
            switch self.step() {
            case .bytes(let bytes):
                return bytes
            case .wait(let duration):
                try await self.guarded { () async throws(NeedletailError) in try await pause.wait(duration) }
            case .stall:
                try await self.guarded { () async throws(NeedletailError) in try await pause.waitForEver() }
            case .end, nil:
                self.end(.completed)
                return nil
            case .reset, .garbledHead:
                self.end(.cutShort)
                throw NeedletailError(
                    .unreachable, "The provider closed the connection in the middle of its answer.",
                    mayHaveBeenProcessed: true)
            }
        }
    }

    private var hasStarted: Bool { self.state.withLock { $0.hasStarted } }

    private func step() -> MockStep? {
        self.state.withLock { state in
            guard !state.isOver, let step = state.steps?.next() else { return nil }
            if let progress = state.steps?.progress { state.progress.take(progress) }
            if case .bytes = step {
                state.hasStarted = true
                state.isWaiting = false
            } else {
                state.isWaiting = true
            }
            return step
        }
    }

    private func guarded(_ wait: () async throws(NeedletailError) -> Void) async throws(NeedletailError) {
        do { try await wait() } catch {
            self.end(.aborted)
            throw error
        }
    }

    func cancel() {
        // Who has seen the dialect's end marker need not read on to the end of the message.
        let isDelivered = self.state.withLock { state -> Bool in
            guard !state.isWaiting, var steps = state.steps else { return false }
            return steps.next() == .end
        }
        self.end(isDelivered ? .completed : .aborted)
    }

    private func end(_ end: MockStatistics.End) {
        let progress = self.state.withLock { state -> MockProgress? in
            guard !state.isOver else { return nil }
            state.isOver = true
            state.steps = nil
            return state.progress
        }
        guard let progress else { return }
        self.statistics.end(self.reply, progress.isCutShort ? .cutShort : end, progress: progress, headSent: true)
    }
}
