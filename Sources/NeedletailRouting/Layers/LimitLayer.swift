public import NeedletailCore

/// Holds requests to the limits of the client's key and tenant.
///
/// Must be outside the router, so that a request counts once whatever it takes, and inside what answers without asking
/// anybody. It tells the reply's headers what is left, refused or not.
public struct LimitLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let keys: [String: AdmissionGate]
    private let tenants: [String: AdmissionGate]
    private let passing: KeyLimitTable?
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - keys: The scopes that each client key counts in, by the key's name.
    ///   - tenants: The scope of each tenant, for keys that are not in `keys`: those that come and go at run time.
    ///   - passing: The limits of the latter.
    ///   - time: The clock.
    public init(
        _ next: any Provider, keys: [String: [LimitScope]], tenants: [String: LimitScope] = [:],
        passing: KeyLimitTable? = nil, time: TimeSource
    ) {
        self.next = next
        self.keys = keys.mapValues { AdmissionGate(breaker: CircuitBreaker(nil), limits: $0) }
        self.tenants = tenants.mapValues { AdmissionGate(breaker: CircuitBreaker(nil), limits: [$0]) }
        self.passing = passing
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let info = context.request
        guard let gate = self.gate(of: info) else {
            return try await self.next.respond(to: request, context: context)
        }
        let now = self.time.now()
        let permit: AdmissionPermit
        switch gate.admit(RequestSize(request), now: now) {
        case .success(let admitted):
            permit = admitted
            gate.report(to: context.request, now: now)
        case .failure(let refused):
            gate.report(to: context.request, now: now)
            throw refused.refusal.error(now: now)
        }
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            permit.settle(
                .neutral, used: error.mayHaveBeenProcessed ? nil : 0, hasLeft: error.code == .cancelled,
                after: context.detachedCalls, time: self.time, random: nil)
            throw error
        }
        reply.onEnd { [time = self.time, calls = context.detachedCalls] outcome in
            permit.settle(
                .neutral, used: outcome.usage?.totalTokens, hasLeft: outcome.hasLeft, after: calls, time: time,
                random: nil)
        }
        return reply
    }

    private func gate(of info: RequestInfo) -> AdmissionGate? {
        guard let name = info.keyName else { return nil }
        if let gate = self.keys[name] { return gate }
        let tenant = info.tenant.flatMap { self.tenants[$0] }
        return self.passing.map { $0.gate(name, within: tenant) } ?? tenant
    }

    /// Adds what is left of the key's limits, and the refusal if they are used up.
    package func explain(
        _ request: InferenceRequest, _ context: RequestContext, _ explanation: inout RequestExplanation
    ) {
        guard let gate = self.gate(of: context.request) else { return }
        let now = self.time.now()
        explanation.limits = gate.limits.compactMap { $0.explained(now: now) }
        if let refusal = gate.refusal(RequestSize(request), now: now) { explanation.failure = refusal.error(now: now) }
    }
}
