public import NeedletailCore

/// Tells observers of every call to one upstream, once, at its end.
///
/// Must be inside the router, so that every attempt is told, and outside all that an attempt may be refused by, so that a
/// call that was never sent is told as such.
public struct AttemptObservationLayer: Provider {
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
        let mark =
            context.trail?.begin(self.id, model: request.model, cause: context.cause)
            ?? RequestTrail.Mark(
                number: context.attempt, cause: context.cause ?? (context.attempt > 1 ? .retry : .first))
        // Where no spans are made the client's own goes on as it came.
        let call = CallProgress(trace: self.observation.propagatesTrace ? mark.trace ?? context.request.trace : nil)
        let observed = Observed(
            request: context.request, trail: context.trail, model: request.model, user: request.user,
            operation: request.operation,
            isStreaming: request.isStreaming, number: mark.number, cause: mark.cause, call: call,
            start: self.time.now(), trace: mark.trace)
        var context = context
        context.call = call
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            self.tell(
                observed, nil, Outcome(error.code == .cancelled ? .abandoned : .failed(error)), firstToken: nil)
            throw error
        }
        let dialect = reply.upstream
        switch reply.body {
        case .complete(_, let usage):
            self.tell(observed, dialect, Outcome(.finished, usage: usage), firstToken: nil, isCommitted: true)
        case .stream(let stream):
            let firstToken = self.time.now().duration(since: observed.start)
            stream.onEnd { self.tell(observed, dialect, $0, firstToken: firstToken, isCommitted: true) }
        }
        return reply
    }

    /// What is known of a call before it is answered.
    private struct Observed: Sendable {
        let request: RequestInfo
        let trail: RequestTrail?
        let model: String
        let user: String?
        let operation: Operation
        let isStreaming: Bool
        let number: Int
        let cause: AttemptCause
        let call: CallProgress
        let start: Instant
        let trace: TraceContext?
    }

    private func tell(
        _ observed: Observed,
        _ dialect: DialectID?,
        _ outcome: Outcome,
        firstToken: Duration?,
        isCommitted: Bool = false
    ) {
        let record = AttemptRecord(
            request: observed.request,
            provider: self.id,
            model: observed.model,
            user: observed.user,
            operation: observed.operation,
            isStreaming: observed.isStreaming,
            number: observed.number,
            cause: observed.cause,
            wasSent: observed.call.wasSent || isCommitted,
            start: observed.start,
            duration: self.time.now().duration(since: observed.start),
            timeToFirstToken: firstToken,
            outcome: outcome,
            isCommitted: isCommitted,
            dialect: dialect,
            cost: observed.call.cost,
            trace: observed.trace
        )
        // First what the request's record is made of, which may be told as soon as the last observer has heard.
        observed.trail?.end(record)
        for observer in self.observation.observers { observer.attemptEnded(record) }
    }
}
