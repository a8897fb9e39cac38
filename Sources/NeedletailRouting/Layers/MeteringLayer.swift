public import NeedletailCore

/// Says what each call upstream cost: to its record, and to the request that it was made for.
///
/// Must be inside the router, around one upstream, so that every attempt is billed by the price of who was asked; and inside
/// the layer that observes attempts, which reads the cost.
public struct MeteringLayer: Provider {
    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let price: @Sendable (_ model: String) -> Price?
    private let outputLimit: @Sendable (_ model: String) -> Int?
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - price: The price of a model there; `nil` for unknown. Called once per attempt.
    ///   - outputLimit: The most output tokens of a model there; `nil` for unknown.
    ///   - time: For prices that depend on the hour.
    public init(
        _ next: any Provider,
        price: @escaping @Sendable (_ model: String) -> Price?,
        outputLimit: @escaping @Sendable (_ model: String) -> Int? = { _ in nil },
        time: TimeSource
    ) {
        self.next = next
        self.price = price
        self.outputLimit = outputLimit
        self.time = time
    }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard request.operation.isBilled else { return try await self.next.respond(to: request, context: context) }
        let call = Call(
            price: self.price(request.model), bound: CallBound(request, modelLimit: self.outputLimit(request.model)),
            context: context, time: self.time)
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            call.failed(error)
            throw error
        }
        reply.onEnd { call.ended($0) }
        return reply
    }

    /// One call and what it may cost.
    private struct Call: Sendable {
        let price: Price?
        let bound: CallBound
        let context: RequestContext
        let time: TimeSource

        func ended(_ outcome: Outcome) {
            self.record(self.price.flatMap { self.bound.cost($0, outcome, at: self.time.wallSeconds()) })
        }

        func failed(_ error: NeedletailError) {
            guard CallBound.mayBeBilled(error, wasSent: self.context.call?.wasSent ?? true) else {
                return self.record(Cost(.zero))
            }
            self.ended(Outcome(.failed(error)))
        }

        private func record(_ cost: Cost?) {
            self.context.call?.cost.add(cost)
            self.context.request.cost.add(cost)
        }
    }
}
