public import NeedletailCore

/// Answers equal requests that are under way at the same time from one call.
///
/// Opt-in, since two equal requests may want two answers. Every request reads at its own pace; one that leaves does not
/// end the call for the others, and the last one's leaving does. The call belongs to nobody's task: it runs in the
/// ``JobRunner`` that the stack owns.
///
/// Must be around the whole group, so that a call is made once with all its attempts, and inside what counts a request.
public struct CoalescingLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    let next: any Provider
    private let flights: FlightTable
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameter flights: The calls under way, of this group alone.
    public init(_ next: any Provider, flights: FlightTable, time: TimeSource) {
        self.next = next
        self.flights = flights
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard let key = CoalescingKey(request, context.request) else {
            return try await self.next.respond(to: request, context: context)
        }
        switch self.flights.join(key, deadline: context.deadline) {
        case .alone: return try await self.next.respond(to: request, context: context)
        case .leading(let flight, let reader):
            let next = self.next
            let flights = self.flights
            let isAccepted = flights.runner.start {
                await flight.run(next, request, context)
                flights.remove(flight, key)
            }
            guard isAccepted else {
                // Somebody may have joined meanwhile: they go on alone too.
                flight.refuse()
                flights.remove(flight, key)
                return try await self.next.respond(to: request, context: context)
            }
            return try await flight.reply(for: reader)
        case .following(let flight, let reader):
            let begin = self.time.now()
            do throws(NeedletailError) {
                let reply = try await flight.reply(for: reader)
                context.request.countWait(self.time.now().duration(since: begin))
                return reply
            } catch {
                context.request.countWait(self.time.now().duration(since: begin))
                // The end of the first one's time is not the end of this one's.
                guard error.code == .timedOut || error.code == .cancelled, !Task.isCancelled else { throw error }
                if let deadline = context.deadline, self.time.now() >= deadline { throw error }
                self.flights.countSecondCall()
                return try await self.next.respond(to: request, context: context)
            }
        }
    }
}
