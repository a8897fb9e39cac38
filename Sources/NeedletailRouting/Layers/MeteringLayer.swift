public import NeedletailCore

/// Says what each call upstream costs: before it is made to the budgets, after it to its record and to the request that it
/// was made for.
///
/// Must be inside the router, around one upstream: every call is held and billed by the price of who is asked, whatever it is
/// made for (a first try, a retry, a hedge, a shadow, a continuation), and a call that is not made holds nothing. And inside
/// the layer that observes attempts, which reads the cost.
public struct MeteringLayer: Provider {
    /// What a budget does with a call whose price nobody knows.
    public enum UnknownPrice: Sendable, Hashable {
        /// It is refused.
        case refuse
        /// It is let through and counts as so much.
        case count(Money)
    }

    /// What is known of an upstream's prices.
    public struct Tariff: Sendable {
        /// What is known of a model. Called once per call.
        public var model: @Sendable (_ name: String) -> PricedModel
        /// What a budget does without a price.
        public var unknown: UnknownPrice

        /// Creates a tariff.
        public init(
            model: @escaping @Sendable (_ name: String) -> PricedModel,
            unknown: UnknownPrice = .refuse
        ) {
            self.model = model
            self.unknown = unknown
        }
    }

    /// The wrapped provider's name.
    public var id: ProviderID { self.next.id }

    private let next: any Provider
    private let tariff: Tariff
    private let budgets: BudgetKeeper?
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - tariff: What it costs.
    ///   - budgets: Who is asked before each call; `nil` for nobody.
    ///   - time: For prices that depend on the hour.
    public init(_ next: any Provider, tariff: Tariff, budgets: BudgetKeeper? = nil, time: TimeSource) {
        self.next = next
        self.tariff = tariff
        self.budgets = budgets
        self.time = time
    }

    /// See ``Provider/close()``.
    public func close() async { await self.next.close() }

    /// See ``Provider/respond(to:context:)``.
    public func respond(
        to request: InferenceRequest,
        context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard request.operation.isBilled else { return try await self.next.respond(to: request, context: context) }
        let model = self.tariff.model(request.model)
        let price = model.price
        let bound = CallBound(request, modelLimit: model.outputLimit)
        let call = MeteredCall(
            price: price, bound: bound, hold: try await self.hold(request, price, bound, context.request),
            budgets: self.budgets, context: context, time: self.time)
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

    /// Holds the most that a call can cost, if anybody bounds it.
    private func hold(
        _ request: InferenceRequest, _ price: Price?, _ bound: CallBound, _ info: RequestInfo
    ) async throws(NeedletailError) -> BudgetKeeper.Hold? {
        let budgets = self.budgets.flatMap { $0.isActive ? $0 : nil }
        guard budgets != nil || info.maximumCost != nil else { return nil }
        let call = BudgetedCall(
            key: info.keyName, tenant: info.tenant, user: request.user, provider: self.id.rawValue, model: request.model
        )
        var money = Money.zero
        if info.maximumCost != nil || budgets?.countsMoney(call) == true {
            money = try self.most(request, price, bound)
        }
        if let most = info.maximumCost, (info.cost.value?.amount ?? .zero) + money > most {
            throw NeedletailError(
                .budgetExceeded,
                "The request may cost $\(money), and x-needletail-max-cost allows $\(most). A smaller max_tokens needs less.",
                parameter: "x-needletail-max-cost")
        }
        return try await budgets?.hold(call, money: money.picodollars, tokens: Int128(bound.tokens))
    }

    private func most(
        _ request: InferenceRequest, _ price: Price?, _ bound: CallBound
    ) throws(NeedletailError) -> Money {
        if let most = price.flatMap({ bound.worstCase($0) }) { return most }
        switch self.tariff.unknown {
        case .count(let money): return money
        case .refuse:
            throw NeedletailError(
                .budgetExceeded,
                "No price is known of \(self.id)/\(request.model), and a budget counts money here. "
                    + "The operator can name one under `prices:`.",
                provider: self.id)
        }
    }
}
