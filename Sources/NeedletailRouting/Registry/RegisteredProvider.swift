public import NeedletailCore

/// Whatever has a name in a ``ProviderRegistry`` when it is asked.
public struct RegisteredProvider: Provider {
    /// The name.
    public let id: ProviderID
    let registry: ProviderRegistry

    /// See ``Provider/respond(to:context:)``.
    ///
    /// - Throws: Besides what the provider throws, `.notFound` when nothing has the name any more and `.unavailable` while
    ///   it is switched off; in a group another member is asked then.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        try await self.registry.entry(self.id).respond(to: request, context, time: self.registry.time)
    }

    /// It as a member of a group, which is passed over without a try while it is switched off or not there, and judged
    /// and priced by its profile.
    ///
    /// - Parameter model: The model to ask for; `nil` passes the client's on.
    public func member(
        model: String? = nil, priority: Int? = nil, weight: Double = 1, retry: RetryPolicy = RetryPolicy(),
        circuitBreaker: CircuitBreakerPolicy? = CircuitBreakerPolicy(), limits: LimitPolicy = LimitPolicy()
    ) -> FailoverMember {
        var member = FailoverMember.provider(
            self, model: model, priority: priority, weight: weight, retry: retry, circuitBreaker: circuitBreaker,
            limits: limits)
        let (id, registry) = (self.id, self.registry)
        member.price = TargetPrice { (try? registry.entry(id))?.profile.price($0) ?? PricedModel(price: nil) }
        member.judge = { request, model in
            do throws(NeedletailError) {
                let entry = try registry.entry(id)
                return entry.refusal ?? entry.profile.judge(request, model)
            } catch {
                return error
            }
        }
        return member
    }
}
