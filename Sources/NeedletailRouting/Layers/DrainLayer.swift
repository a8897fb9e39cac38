public import NeedletailCore

/// Lets a call that was sent end by itself when its client leaves, so that what it cost is known and not bounded.
///
/// For providers that bill an answer to its end whether anybody reads it or not. The call runs in a ``JobRunner``, whose
/// shutdown ends it; the request's deadline and the provider's timeouts hold. Must be around what observes and meters one
/// attempt, so that they see how it really ended.
public struct DrainLayer: Provider {
    /// The bytes of a stream that wait for a slow client, as a socket's buffer would keep.
    private static let bound = 64 << 10

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let runner: JobRunner

    /// Wraps `next`.
    ///
    /// - Parameter runner: Runs the calls; one that takes no more lets them end with their clients.
    public init(_ next: any Provider, runner: JobRunner) {
        self.next = next
        self.runner = runner
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard request.operation.isBilled else { return try await self.next.respond(to: request, context: context) }
        let flight = Flight(deadline: context.deadline, bound: Self.bound, outlivesReaders: true)
        let (next, reader) = (self.next, flight.join())
        let calls = context.detachedCalls
        // Until it has ended it takes the places that it was given, whoever has left.
        calls.begin()
        let hasStarted = self.runner.start {
            await flight.run(next, request, context)
            calls.end()
        }
        guard hasStarted, let reader else {
            if !hasStarted { calls.end() }
            return try await self.next.respond(to: request, context: context)
        }
        return try await flight.reply(for: reader)
    }
}
