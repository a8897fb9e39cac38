import NIOCore
import NeedletailCore
import Synchronization

@testable import NeedletailRouting

/// Answers each call after a time of its own, or fails; knows whether it was closed.
final class TimedProvider: Provider {
    let id: ProviderID
    private let delay: Duration
    private let failure: NeedletailError?
    private let time: TimeSource
    private let state = Mutex((models: [String](), running: 0, most: 0, closes: 0))

    init(_ id: ProviderID, _ delay: Duration = .zero, failure: NeedletailError? = nil, time: TimeSource) {
        self.id = id
        self.delay = delay
        self.failure = failure
        self.time = time
    }

    var models: [String] { self.state.withLock { $0.models } }
    var mostAtOnce: Int { self.state.withLock { $0.most } }
    var closes: Int { self.state.withLock { $0.closes } }

    func close() async { self.state.withLock { $0.closes += 1 } }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        self.state.withLock { state in
            state.models.append(request.model)
            state.running += 1
            state.most = max(state.most, state.running)
        }
        defer { self.state.withLock { $0.running -= 1 } }
        if self.delay > .zero {
            do { try await self.time.sleep(self.time.now().advanced(by: self.delay)) } catch {
                throw NeedletailError(.cancelled, "cancelled")
            }
        }
        if let failure = self.failure { throw failure }
        return InferenceReply(
            provider: self.id, model: request.model,
            body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}")), Usage(inputTokens: 3)))
    }
}

/// Something that tests in virtual time note.
final class Notes<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    var all: [Value] { self.values.withLock { $0 } }

    func add(_ value: Value) { self.values.withLock { $0.append(value) } }
}
