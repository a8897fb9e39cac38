import HTTPTypes

/// One call to an upstream, from its beginning to the record and the span that it leaves. An object, since what waits for
/// the upstream holds it.
package final class ObservedCall: Sendable {
    /// Where a leaf tells what it does.
    package let progress: CallProgress
    private let provider: ProviderID
    private let request: RequestInfo
    private let trail: RequestTrail?
    private let mark: RequestTrail.Mark
    private let model: String
    private let user: String?
    private let operation: Operation
    private let isStreaming: Bool
    private let start: Instant
    private let observers: [any RequestObserver]
    private let time: TimeSource

    /// Begins a call.
    ///
    /// - Parameters:
    ///   - provider: Who is called.
    ///   - request: What it is asked.
    ///   - context: Has the trail that the call is noted in.
    ///   - observers: Who is told of its end.
    ///   - propagatesTrace: Whether the upstream is told of the trace.
    ///   - time: For durations.
    package init(
        _ provider: ProviderID,
        _ request: InferenceRequest,
        _ context: RequestContext,
        observers: [any RequestObserver] = [],
        propagatesTrace: Bool = true,
        time: TimeSource
    ) {
        let mark =
            context.trail?.begin(provider, request.operation, model: request.model, cause: context.cause)
            ?? RequestTrail.Mark(
                number: context.attempt, cause: context.cause ?? (context.attempt > 1 ? .retry : .first))
        if let span = mark.span {
            self.progress = CallProgress(traceFields: propagatesTrace ? span.fields : [:])
        } else {
            // Where no spans are made the client's own goes on as it came.
            self.progress = CallProgress(trace: propagatesTrace ? mark.trace ?? context.request.trace : nil)
        }
        self.provider = provider
        self.request = context.request
        self.trail = context.trail
        self.mark = mark
        self.model = request.model
        self.user = request.user
        self.operation = request.operation
        self.isStreaming = request.isStreaming
        self.start = time.now()
        self.observers = observers
        self.time = time
    }

    /// Makes the call: `body` with spans that begin in it below this one's.
    package func run(
        _ body: () async throws(NeedletailError) -> InferenceReply
    ) async throws(NeedletailError) -> InferenceReply {
        let reply: InferenceReply
        do {
            if let span = self.mark.span { reply = try await span.run(body) } else { reply = try await body() }
        } catch {
            self.failed(error)
            throw error
        }
        self.replied(reply)
        return reply
    }

    /// Never inlined, as ``replied(_:)``: it would lie in the frame that waits for the provider.
    @inline(never)
    private func failed(_ error: NeedletailError) {
        self.tell(nil, Outcome(error.code == .cancelled ? .abandoned : .failed(error)), firstToken: nil)
    }

    @inline(never)
    private func replied(_ reply: InferenceReply) {
        let dialect = reply.upstream
        switch reply.body {
        case .complete(_, let usage):
            let outcome = Outcome(.finished, usage: usage, losses: reply.losses)
            self.tell(dialect, outcome, firstToken: nil, isCommitted: true)
        case .stream(let stream):
            let firstToken = self.time.now().duration(since: self.start)
            let losses = reply.losses
            stream.onEnd { outcome in
                var outcome = outcome
                if !losses.isEmpty {
                    var all = losses
                    all.add(outcome.losses)
                    outcome.losses = all
                }
                self.tell(dialect, outcome, firstToken: firstToken, isCommitted: true)
            }
        }
    }

    private func tell(_ dialect: DialectID?, _ outcome: Outcome, firstToken: Duration?, isCommitted: Bool = false) {
        let record = AttemptRecord(
            request: self.request,
            provider: self.provider,
            model: self.model,
            user: self.user,
            operation: self.operation,
            isStreaming: self.isStreaming,
            number: self.mark.number,
            cause: self.mark.cause,
            wasSent: self.progress.wasSent || isCommitted,
            start: self.start,
            duration: self.time.now().duration(since: self.start),
            timeToFirstToken: firstToken,
            outcome: outcome,
            isCommitted: isCommitted,
            dialect: dialect,
            cost: self.progress.cost,
            trace: self.mark.trace
        )
        // First what the request's record is made of, which may be told as soon as the last observer has heard.
        self.trail?.end(record)
        for observer in self.observers { observer.attemptEnded(record) }
        self.mark.span?.end(record)
    }
}
