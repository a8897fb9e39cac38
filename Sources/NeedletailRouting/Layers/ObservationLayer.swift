public import NeedletailCore
import Synchronization

/// Tells observers of every request, once, at its end.
///
/// Must be the outermost layer: whatever a request comes to, an answer from a store and a refusal by any layer included,
/// counts as one. Registers on the reply's end, so that streams and whole replies are told alike.
public struct ObservationLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let observation: Observation
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - observation: Who is told what.
    ///   - time: For durations.
    public init(_ next: any Provider, _ observation: Observation, time: TimeSource) {
        self.next = next
        self.observation = observation
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let observed = self.begin(request, context)
        var context = context
        context.trail = observed.trail
        let reply: InferenceReply
        do {
            if let span = observed.span {
                reply = try await self.ask(request, context, in: span)
            } else {
                reply = try await self.next.respond(to: request, context: context)
            }
        } catch {
            self.observation.inFlight.end()
            self.tell(observed, failure: error)
            throw error
        }
        self.replied(reply, observed)
        return reply
    }

    @inline(never)
    private func ask(
        _ request: InferenceRequest, _ context: RequestContext, in span: any OpenSpan
    ) async throws(NeedletailError) -> InferenceReply {
        try await span.run { () async throws(NeedletailError) in
            try await self.next.respond(to: request, context: context)
        }
    }

    private func begin(_ request: InferenceRequest, _ context: RequestContext) -> Observed {
        // Where one stands around another, both are told of the same calls.
        let trail =
            context.trail
            ?? self.observation.spans?.trail(of: context.request, operation: request.operation, model: request.model)
            ?? RequestTrail()
        self.observation.inFlight.begin()
        return Observed(
            request: context.request, trail: trail,
            // Ended by the layer that began it.
            span: context.trail == nil ? trail.span : nil, surface: request.replyDialect,
            operation: request.operation, isStreaming: request.isStreaming,
            // There the model is a response's id, of which there are as many as requests.
            model: request.operation.isAboutResponse ? "" : request.model,
            start: context.request.start ?? self.time.now())
    }

    /// Never inlined, as all here that does not wait: it would lie in the frame that waits for the reply.
    @inline(never)
    private func replied(_ reply: InferenceReply, _ observed: Observed) {
        let answer = Answer(
            provider: reply.provider, model: reply.model, losses: reply.losses, cacheStatus: reply.cacheStatus,
            committed: self.time.now())
        switch reply.body {
        case .complete(_, let usage):
            self.observation.inFlight.end()
            self.tell(observed, answer, Outcome(.finished, usage: usage), isStream: false)
        case .stream(let stream):
            stream.onEnd { outcome in
                self.observation.inFlight.end()
                self.tell(observed, answer, outcome, isStream: true)
            }
        }
    }

    /// What is known of a request before it is answered.
    private final class Observed: Sendable {
        let request: RequestInfo
        let trail: RequestTrail
        let span: (any OpenSpan)?
        let surface: DialectID?
        let operation: Operation
        let isStreaming: Bool
        let model: String
        let start: Instant

        init(
            request: RequestInfo, trail: RequestTrail, span: (any OpenSpan)?, surface: DialectID?,
            operation: Operation, isStreaming: Bool, model: String, start: Instant
        ) {
            self.request = request
            self.trail = trail
            self.span = span
            self.surface = surface
            self.operation = operation
            self.isStreaming = isStreaming
            self.model = model
            self.start = start
        }
    }

    /// What is known of a reply before it has ended.
    private struct Answer: Sendable {
        let provider: ProviderID
        let model: String
        let losses: [Loss]
        let cacheStatus: CacheStatus?
        let committed: Instant
    }

    private func tell(_ observed: Observed, _ answer: Answer, _ outcome: Outcome, isStream: Bool) {
        var losses = answer.losses
        losses.add(outcome.losses)
        let waited = observed.request.timeWaited
        let untilCommit = answer.committed.duration(since: observed.start)
        self.tell(
            RequestRecord(
                request: observed.request,
                surface: observed.surface,
                operation: observed.operation,
                isStreaming: observed.isStreaming,
                model: observed.model,
                provider: answer.provider,
                answeredModel: answer.model,
                attempts: observed.trail.attempts,
                status: 200,
                outcome: outcome,
                isCommitted: true,
                cacheStatus: answer.cacheStatus,
                losses: losses,
                start: observed.start,
                endWallNanoseconds: self.time.wallNanoseconds(),
                duration: self.time.now().duration(since: observed.start),
                timeToFirstToken: isStream ? untilCommit : nil,
                waited: waited,
                overhead: max(.zero, untilCommit - waited),
                trace: observed.trail.trace
            ), observed.span)
    }

    @inline(never)
    private func tell(_ observed: Observed, failure error: NeedletailError) {
        let waited = observed.request.timeWaited
        let duration = self.time.now().duration(since: observed.start)
        let disposition = error.disposition
        self.tell(
            RequestRecord(
                request: observed.request,
                surface: observed.surface,
                operation: observed.operation,
                isStreaming: observed.isStreaming,
                model: observed.model,
                provider: error.provider,
                attempts: observed.trail.attempts,
                status: observed.surface == .anthropicMessages ? disposition.anthropicStatus : disposition.status,
                outcome: Outcome(error.code == .cancelled ? .abandoned : .failed(error)),
                isCommitted: false,
                start: observed.start,
                endWallNanoseconds: self.time.wallNanoseconds(),
                duration: duration,
                waited: waited,
                overhead: max(.zero, duration - waited),
                trace: observed.trail.trace
            ), observed.span)
    }

    private func tell(_ record: RequestRecord, _ span: (any OpenSpan)?) {
        for observer in self.observation.observers { observer.requestEnded(record) }
        span?.end(record)
    }
}
