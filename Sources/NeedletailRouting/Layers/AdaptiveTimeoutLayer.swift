public import NeedletailCore

/// Gives up waiting for a stream's first event when it takes far longer than usual.
///
/// Must be around one target of one model, inside all that waits for more than the first event. Whole replies have no such
/// limit: how long they take depends on how much they say.
public struct AdaptiveTimeoutLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let timeout: AdaptiveTimeout
    private let bounds: AdaptiveTimeoutState.Bounds
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameter timeout: What is learnt of the deployment.
    public init(
        _ next: any Provider, _ timeout: AdaptiveTimeout, _ bounds: AdaptiveTimeoutState.Bounds, time: TimeSource
    ) {
        self.next = next
        self.timeout = timeout
        self.bounds = bounds
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard request.operation == .chat, request.isStreaming else {
            return try await self.next.respond(to: request, context: context)
        }
        let limit = self.timeout.limit(self.bounds)
        var context = context
        context.firstTokenLimit = limit
        let begin = self.time.now()
        do {
            let reply = try await self.next.respond(to: request, context: context)
            self.timeout.note(self.time.now().duration(since: begin))
            return reply
        } catch {
            if error.code == .timedOut, let limit {
                self.timeout.note(max(limit, self.time.now().duration(since: begin)))
            }
            throw error
        }
    }
}
