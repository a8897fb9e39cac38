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
    private let decoders: (@Sendable (DialectID) -> any StreamDecoder)?
    private let time: TimeSource

    /// Wraps `next`.
    ///
    /// - Parameters:
    ///   - tariff: What it costs.
    ///   - budgets: Who is asked before each call; `nil` for nobody.
    ///   - decoders: Makes readers of a dialect's streams, to see how long one is that never tells; `nil` believes what
    ///     streams tell.
    ///   - time: For prices that depend on the hour.
    public init(
        _ next: any Provider,
        tariff: Tariff,
        budgets: BudgetKeeper? = nil,
        decoders: (@Sendable (DialectID) -> any StreamDecoder)? = nil,
        time: TimeSource
    ) {
        self.next = next
        self.tariff = tariff
        self.budgets = budgets
        self.decoders = decoders
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
        let bound = CallBound(request, modelLimit: model.outputLimit, imageTokens: model.imageTokens)
        let held: Held
        do {
            held = try await self.hold(request, model.price, bound, context.request)
        } catch {
            // The router has counted a call that is not made.
            if context.isCounted { context.request.uncountAttempt() }
            throw error
        }
        let call = MeteredCall(price: model.price, held: held, budgets: self.budgets, context: context, time: self.time)
        var request = request
        if let limit = held.clamp {
            request.maxOutputTokens = limit
            request.isOutputClamped = true
        }
        let reply: InferenceReply
        do {
            reply = try await self.next.respond(to: request, context: context)
        } catch {
            call.failed(error)
            throw error
        }
        return self.metered(reply, call, held)
    }

    /// Never inlined: it would lie in the frame that waits for the provider.
    @inline(never)
    private func metered(_ reply: InferenceReply, _ call: MeteredCall, _ held: Held) -> InferenceReply {
        var reply = reply
        if held.isBounding, case .stream(let stream) = reply.body {
            let reader = MeteredReader(stream, call, decoders: self.decoders)
            reply.body = .stream(ReplyStream(dialect: stream.dialect, ending: stream.ending, reader: reader))
        }
        if let limit = held.clamp { reply.budgetEffect = BudgetEffect(maximumOutput: limit) }
        reply.onEnd { call.ended($0) }
        return reply
    }

    /// What bounds a call. A class: see ``BudgetKeeper/Hold``.
    final class Held: Sendable {
        /// The bound that was held for.
        let bound: CallBound
        let hold: BudgetKeeper.Hold?
        /// What was reserved of the request's own bound; `nil` where it has none.
        let reserved: Money?
        /// The limit on output that what is left of a budget buys; `nil` where the request's own is covered.
        let clamp: Int?

        init(_ bound: CallBound, hold: BudgetKeeper.Hold? = nil, reserved: Money? = nil, clamp: Int? = nil) {
            self.bound = bound
            self.hold = hold
            self.reserved = reserved
            self.clamp = clamp
        }

        /// Whether a stream may not go beyond it.
        var isBounding: Bool { self.hold != nil || self.reserved != nil }
    }

    /// Holds the most that a call can cost, if anybody bounds it.
    private func hold(
        _ request: InferenceRequest, _ price: Price?, _ bound: CallBound, _ info: RequestInfo
    ) async throws(NeedletailError) -> Held {
        let budgets = self.budgets.flatMap { $0.isActive ? $0 : nil }
        guard budgets != nil || info.maximumCost != nil else { return Held(bound) }
        let call = BudgetedCall(
            key: info.keyName, tenant: info.tenant, team: info.team, tags: info.tags, user: request.user,
            provider: self.id.rawValue, model: request.model)
        let countsMoney = budgets?.countsMoney(call) == true
        var clamped = bound
        // Each turn asks for less than the one before, and what is left seldom changes between two.
        for _ in 0..<Self.maximumClamps {
            let money = countsMoney || info.maximumCost != nil ? try self.most(request, price, clamped) : .zero
            try Self.reserve(money, info)
            do throws(NeedletailError) {
                let hold = try await budgets?.hold(call, money: money.picodollars, tokens: Int128(clamped.tokens))
                return Held(
                    clamped, hold: hold, reserved: info.maximumCost == nil ? nil : money,
                    clamp: clamped == bound ? nil : clamped.outputTokens / max(1, request.choices))
            } catch {
                if info.maximumCost != nil { info.cost.release(money) }
                guard let refusal = error.cause as? BudgetRefusal, refusal.clamps, request.operation == .chat,
                    let less = clamped.clamped(to: refusal, price, choices: request.choices)
                else { throw error }
                clamped = less
            }
        }
        throw NeedletailError(.budgetExceeded, "What is left of the budget changes faster than it can be held.")
    }

    private static let maximumClamps = 8

    /// Reserves what the request itself lets a call cost, beside the others that it makes.
    private static func reserve(_ money: Money, _ info: RequestInfo) throws(NeedletailError) {
        guard let most = info.maximumCost, !info.cost.reserve(money, within: most) else { return }
        throw NeedletailError(
            .budgetExceeded,
            "The request may cost $\(money), and x-needletail-max-cost allows $\(most). A smaller max_tokens needs less.",
            parameter: "x-needletail-max-cost")
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
