public import NeedletailCore

/// Lets calls pass a gate of its own: a circuit breaker, limits, or both, around one provider that no router stands over.
///
/// Each target of a ``Router`` has such a gate already. Must be inside whatever tries again, so that each call is judged.
public struct GateLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    /// What calls must pass.
    public let gate: AdmissionGate
    private let time: TimeSource
    private let random: RandomSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - gate: What calls must pass.
    ///   - time: The clock.
    ///   - random: For the time that a breaker stays open.
    public init(_ next: any Provider, gate: AdmissionGate, time: TimeSource, random: RandomSource) {
        self.next = next
        self.gate = gate
        self.time = time
        self.random = random
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: Besides what the wrapped one throws, `.unavailable` while the breaker is open and `.rateLimited` over a
    ///   limit, both with the time to wait where it is known.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let now = self.time.now()
        let permit: AdmissionPermit
        switch self.gate.admit(RequestSize(request), now: now) {
        case .success(let admitted): permit = admitted
        case .failure(let refused):
            var error = refused.refusal.error(now: now)
            error.provider = self.id
            throw error
        }
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            let now = self.time.now()
            self.gate.failed(error, model: request.model, now: now)
            permit.settle(
                .init(error), used: error.mayHaveBeenProcessed ? nil : 0, hasLeft: error.code == .cancelled,
                after: context.detachedCalls, time: self.time, random: self.random)
            throw error
        }
        self.gate.replied(reply, now: self.time.now())
        reply.onEnd { [time = self.time, random = self.random, calls = context.detachedCalls] outcome in
            permit.settle(
                .init(outcome), used: outcome.usage?.totalTokens, hasLeft: outcome.hasLeft, after: calls,
                time: time, random: random)
        }
        return reply
    }
}
