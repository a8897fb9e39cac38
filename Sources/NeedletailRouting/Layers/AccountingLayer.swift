public import NeedletailCore

/// Counts every request and the tokens that it spent.
///
/// Must be outside the router, so that a request is counted once whatever it took, and registers on the reply's end, so
/// that streams and whole replies are counted alike.
public struct AccountingLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let totals: UsageTotals

    /// Wraps `next`; what it serves is added to `totals`.
    public init(_ next: any Provider, totals: UsageTotals) {
        self.next = next
        self.totals = totals
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            self.totals.recordFailure()
            throw error
        }
        guard request.operation == .chat else { return reply }
        let totals = self.totals
        let provider = reply.provider
        let model = reply.model
        reply.onEnd { totals.record($0, provider: provider, model: model) }
        return reply
    }
}
