import NIOCore
public import NeedletailCore
import Synchronization

/// A provider by a model: answers, fails, hangs, breaks and limits as the model says, and observes the deadline as a real
/// one's client does.
public final class SimulatedProvider: Provider {
    private struct State {
        var random: SplitMix
        var calls = 0
        var inFlight = 0
        /// By what is limited: a new limit begins with a full bucket.
        var limit: (rule: ProviderBehaviour.RateLimit, state: ProviderLimitState)?
    }

    /// What happens to one call; drawn at its start, so that one call draws the same whatever the others do.
    private struct Fate {
        var number: Int
        var fault: ProviderBehaviour.Fault.Kind?
        var latency: Duration
        var failureLatency: Duration
        /// In how many chunks the answer comes.
        var chunks: Int
        /// The chunk in whose place it breaks or stalls.
        var breaksAt: Int
        var chunkPause: Duration
        var usage: Usage
    }

    /// The most chunks of a stream.
    private static let maximumChunks = 16

    /// The name.
    public let id: ProviderID
    /// How it answers.
    public let model: ProviderModel
    private let time: TimeSource
    private let start: Instant
    private let observer: any SimulationObserver
    private let state: Mutex<State>

    /// Creates a provider; the simulation starts now.
    public init(
        _ id: ProviderID,
        _ model: ProviderModel,
        seed: UInt64,
        time: TimeSource,
        observer: any SimulationObserver
    ) {
        self.id = id
        self.model = model
        self.time = time
        self.start = time.now()
        self.observer = observer
        self.state = Mutex(State(random: SplitMix(seed.seed(of: id.rawValue))))
    }

    /// The calls that it works on.
    public var inFlight: Int { self.state.withLock { $0.inFlight } }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let now = self.time.now()
        let behaviour = self.model.behaviour(at: now.duration(since: self.start))
        let (fate, refusal) = self.begin(request, behaviour, now)
        self.observer.record(.callBegan(self.id, request: context.id, call: fate.number), at: now)
        do throws(NeedletailError) {
            if let refusal { throw refusal }
            try await self.lead(fate, isStreaming: request.isStreaming, deadline: context.deadline)
        } catch {
            // Who fails before the commit bills nothing; who was left in the middle of it has read the request.
            let isLeft = error.code == .cancelled
            self.end(
                context.id, fate.number, isLeft ? .abandoned : .failed(error),
                Usage(inputTokens: isLeft || error.mayHaveBeenProcessed ? fate.usage.inputTokens : 0))
            throw error
        }
        self.observer.record(.callCommitted(self.id, request: context.id, call: fate.number), at: self.time.now())
        let dialect = request.replyDialect ?? .openAIChat
        guard request.isStreaming else {
            self.end(context.id, fate.number, .finished, fate.usage)
            let body = WireBody(dialect: dialect, bytes: SimulatedReader.whole)
            return InferenceReply(provider: self.id, model: request.model, body: .complete(body, fate.usage))
        }
        let ending = StreamEnding()
        let reader = SimulatedReader(
            steps: self.steps(fate), deadline: context.deadline, time: self.time, usage: fate.usage, ending: ending)
        let stream = ReplyStream(dialect: dialect, ending: ending, reader: reader)
        let (id, number) = (context.id, fate.number)
        stream.onEnd { outcome in
            let end: SimulationEvent.End =
                switch outcome.end {
                case .finished: .finished
                case .failed(let error): error.code == .cancelled ? .abandoned : .broken(error)
                case .abandoned: .abandoned
                }
            self.end(id, number, end, outcome.usage ?? Usage(inputTokens: fate.usage.inputTokens))
        }
        return InferenceReply(provider: self.id, model: request.model, body: .stream(stream))
    }

    private func begin(
        _ request: InferenceRequest,
        _ behaviour: ProviderBehaviour,
        _ now: Instant
    ) -> (Fate, NeedletailError?) {
        self.state.withLock { state in
            state.calls += 1
            state.inFlight += 1
            let output = max(1, request.maxOutputTokens ?? 100)
            let chunks = min(output, Self.maximumChunks)
            let whole = Duration.seconds(Double(output) / max(0.001, behaviour.tokensPerSecond))
            let draw = state.random.next()
            var random = SplitMix(draw)
            let fate = Fate(
                number: state.calls,
                fault: behaviour.fault(random.unit()),
                latency: behaviour.latency.sample { random.unit() },
                failureLatency: behaviour.failureLatency.sample { random.unit() },
                chunks: chunks,
                breaksAt: 1 + Int(random.next() % UInt64(chunks)),
                chunkPause: whole / chunks,
                usage: Usage(inputTokens: request.estimatedInputTokens, outputTokens: output)
            )
            if let limit = behaviour.rateLimit {
                if state.limit?.rule != limit { state.limit = (limit, ProviderLimitState(limit)) }
                if let wait = state.limit?.state.admit(now: now) {
                    return (fate, self.limited(limit.tellsWhen ? wait : nil))
                }
            }
            if let most = behaviour.concurrency, state.inFlight > most {
                return (fate, NeedletailError(.overloaded, "The modelled provider is full.", provider: self.id))
            }
            return (fate, nil)
        }
    }

    /// A 429; providers say whole seconds, so that a client who waits them is never early.
    private func limited(_ wait: Duration?) -> NeedletailError {
        let seconds = wait.map { Duration.seconds($0.components.seconds + ($0.components.attoseconds > 0 ? 1 : 0)) }
        return NeedletailError(
            .rateLimited, "The modelled provider's rate limit is used up.", provider: self.id, retryAfter: seconds)
    }

    /// Everything up to the commit.
    private func lead(_ fate: Fate, isStreaming: Bool, deadline: Instant?) async throws(NeedletailError) {
        let wait = SimulatedWait(time: self.time, deadline: deadline)
        switch fate.fault {
        case .failure(let code):
            try await wait.wait(fate.failureLatency, limit: self.model.firstTokenTimeout)
            throw NeedletailError(code, "The modelled provider failed.", provider: self.id)
        case .hang:
            try await wait.wait(.seconds(1_000_000_000), limit: self.model.firstTokenTimeout)
        case .breaks where !isStreaming:
            try await wait.wait(fate.latency, limit: self.model.firstTokenTimeout)
            throw NeedletailError(
                .unreachable, "The connection broke.", provider: self.id, mayHaveBeenProcessed: true)
        case .stalls where !isStreaming:
            try await wait.wait(fate.latency, limit: self.model.firstTokenTimeout)
            try await wait.wait(.seconds(1_000_000_000), limit: self.model.idleTimeout)
        case nil, .breaks, .stalls:
            try await wait.wait(fate.latency, limit: self.model.firstTokenTimeout)
            if !isStreaming { try await wait.wait(fate.chunkPause * fate.chunks, limit: nil) }
        }
    }

    private func steps(_ fate: Fate) -> [SimulatedReader.Step] {
        var steps = [SimulatedReader.Step.chunk(after: .zero)]
        let pause = fate.chunkPause
        switch fate.fault {
        case .breaks:
            steps += (1..<fate.breaksAt).map { _ in .chunk(after: pause) }
            let error = NeedletailError(
                .unreachable, "The connection broke.", provider: self.id, mayHaveBeenProcessed: true)
            steps.append(.fail(error, after: pause))
        case .stalls:
            steps += (1..<fate.breaksAt).map { _ in .chunk(after: pause) }
            let error = NeedletailError(
                .timedOut, "The stream stood still.", provider: self.id, mayHaveBeenProcessed: true)
            steps.append(.fail(error, after: self.model.idleTimeout))
        default:
            steps += (1..<fate.chunks).map { _ in .chunk(after: pause) } + [.last(after: pause)]
        }
        return steps
    }

    private func end(_ request: String, _ call: Int, _ end: SimulationEvent.End, _ billed: Usage) {
        self.state.withLock { $0.inFlight -= 1 }
        self.observer.record(
            .callEnded(self.id, request: request, call: call, end, billed: billed), at: self.time.now())
    }
}
