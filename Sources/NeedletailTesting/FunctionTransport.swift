public import NIOCore
public import NeedletailCore
import Synchronization

/// A transport that is a function, and remembers what was sent.
public final class FunctionTransport: HTTPTransport {
    private let answer: @Sendable (TransportRequest) async throws(NeedletailError) -> TransportResponse
    private let seen = Mutex<[TransportRequest]>([])

    /// Creates a transport that answers with `answer`.
    public init(_ answer: @escaping @Sendable (TransportRequest) async throws(NeedletailError) -> TransportResponse) {
        self.answer = answer
    }

    /// What was sent so far.
    public var requests: [TransportRequest] { self.seen.withLock { $0 } }

    /// See ``HTTPTransport/send(_:)``.
    public func send(_ request: TransportRequest) async throws(NeedletailError) -> TransportResponse {
        self.seen.withLock { $0.append(request) }
        return try await self.answer(request)
    }
}

/// A body that gives chunks and then ends or fails.
public final class ScriptedBody: TransportBodySource {
    private struct State {
        var chunks: ArraySlice<ByteBuffer>
        var failure: NeedletailError?
        var isCancelled = false
    }

    private let state: Mutex<State>

    /// Creates a body.
    public init(_ chunks: [ByteBuffer], failure: NeedletailError? = nil) {
        self.state = Mutex(State(chunks: chunks[...], failure: failure))
    }

    /// Whether the rest was given up.
    public var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    /// See ``TransportBodySource/next()``.
    public func next() async throws(NeedletailError) -> ByteBuffer? {
        let (chunk, failure) = self.state.withLock { ($0.chunks.popFirst(), $0.failure) }
        if let chunk { return chunk }
        if let failure { throw failure }
        return nil
    }

    /// See ``TransportBodySource/cancel()``.
    public func cancel() {
        self.state.withLock { $0.isCancelled = true }
    }
}
