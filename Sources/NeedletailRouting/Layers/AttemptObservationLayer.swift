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
        let call = ObservedCall(
            self.id, request, context, observers: self.observation.observers,
            propagatesTrace: self.observation.propagatesTrace, time: self.time)
        var context = context
        context.call = call.progress
        return try await call.run { [context] () async throws(NeedletailError) in
            try await self.next.respond(to: request, context: context)
        }
    }
}
