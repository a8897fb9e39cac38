public import NeedletailCore

/// Sets one deadline for all attempts of a request.
///
/// Must be outside the router: a deadline per attempt would multiply.
public struct DeadlineLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let limit: Duration
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameter limit: From now to the end of the reply, all attempts together.
    public init(_ next: any Provider, limit: Duration, time: TimeSource) {
        self.next = next
        self.limit = limit
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        var context = context
        let limit = self.time.now().advanced(by: self.limit)
        context.deadline = context.deadline.map { min($0, limit) } ?? limit
        return try await self.next.respond(to: request, context: context)
    }
}
