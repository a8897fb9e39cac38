import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailRouting

/// A request as rules see it.
func ruleRequest(
    _ model: String = "m",
    operation: NeedletailCore.Operation = .chat,
    features: Features = [],
    tokens: Int = 10,
    isStreaming: Bool = false,
    dialect: DialectID = .openAIChat,
    body: String = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
) -> InferenceRequest {
    InferenceRequest(
        operation: operation, model: model, isStreaming: isStreaming, estimatedInputTokens: tokens, features: features,
        body: .wire(WireBody(dialect: dialect, bytes: ByteBuffer(string: body)), BodyLandmarks()),
        replyDialect: dialect)
}

/// A request's constant part as rules see it.
func ruleInfo(_ id: String = "r", key: String? = nil, tenant: String? = nil, headers: HTTPFields = [:]) -> RequestInfo {
    RequestContext.testing(id: id, keyName: key, tenant: tenant, routingHeaders: headers).request
}

extension RuleCondition {
    /// A condition that `change` makes.
    static func with(_ change: (inout Self) -> Void) -> Self {
        var condition = Self()
        change(&condition)
        return condition
    }

    func mismatch(_ request: InferenceRequest, _ info: RequestInfo = ruleInfo(), wall: Int64 = 0) -> Part? {
        self.firstMismatch(request, info, wallSeconds: { wall })
    }
}

/// Opens once; whoever waits goes on then.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting
        }
        for waker in waiting.values { waker.resume() }
    }

    /// Returns when it is open.
    ///
    /// - Throws: `.cancelled` if the task is.
    func pass() async throws(NeedletailError) {
        let number = self.state.withLock { state in
            defer { state.next += 1 }
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                let isReady = self.state.withLock { state in
                    guard !state.isOpen, !Task.isCancelled else { return true }
                    state.waiting[number] = waker
                    return false
                }
                if isReady { waker.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
        if Task.isCancelled { throw NeedletailError(.cancelled, "cancelled") }
    }
}

/// A provider that is a function, and counts who is in it.
final class FunctionProvider: Provider {
    let id: ProviderID
    private let answer: @Sendable (InferenceRequest, RequestContext) async throws(NeedletailError) -> InferenceReply
    private let counts = Mutex((calls: 0, running: 0, cancelled: 0))

    init(
        _ id: ProviderID,
        _ answer: @escaping @Sendable (InferenceRequest, RequestContext) async throws(NeedletailError) -> InferenceReply
    ) {
        self.id = id
        self.answer = answer
    }

    var calls: Int { self.counts.withLock { $0.calls } }
    var running: Int { self.counts.withLock { $0.running } }
    var cancelled: Int { self.counts.withLock { $0.cancelled } }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        self.counts.withLock {
            $0.calls += 1
            $0.running += 1
        }
        defer { self.counts.withLock { $0.running -= 1 } }
        do {
            return try await self.answer(request, context)
        } catch {
            if error.code == .cancelled { self.counts.withLock { $0.cancelled += 1 } }
            throw error
        }
    }
}

/// A whole reply.
func wholeReply(_ text: String = "{}", from id: ProviderID = "a", usage: Usage? = nil) -> InferenceReply {
    InferenceReply(
        provider: id, model: "m",
        body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: text)), usage))
}

/// Chunks that a function gives.
final class FunctionReader: ReplyReader {
    private let step: @Sendable () async throws(NeedletailError) -> ByteBuffer?
    private let onDrop: @Sendable () -> Void

    init(
        onDrop: @escaping @Sendable () -> Void = {},
        _ step: @escaping @Sendable () async throws(NeedletailError) -> ByteBuffer?
    ) {
        self.step = step
        self.onDrop = onDrop
    }

    deinit { self.onDrop() }
    func next() async throws(NeedletailError) -> ByteBuffer? { try await self.step() }
}

/// Returns when `condition` holds; the suite's time limit ends a wait that is in vain.
func eventually(_ condition: () -> Bool) async {
    while !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
}

/// Reads a stream to its end.
func readAll(_ reply: InferenceReply) async throws(NeedletailError) -> String {
    guard case .stream(let stream) = reply.body else { return "" }
    var text = ""
    var chunks = stream.makeAsyncIterator()
    while let chunk = try await chunks.next() { text += String(buffer: chunk) }
    return text
}
