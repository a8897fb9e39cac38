import NeedletailCore

/// One call upstream, from what is held for it to what it cost. Settled exactly once: by ``failed(_:)`` if it threw, else by
/// ``ended(_:)`` at the end of its reply.
struct MeteredCall: Sendable {
    let price: Price?
    let bound: CallBound
    let hold: BudgetKeeper.Hold?
    let budgets: BudgetKeeper?
    let context: RequestContext
    let time: TimeSource

    /// The call answered, and that is over.
    func ended(_ outcome: Outcome) {
        let cost = self.price.flatMap { self.bound.cost($0, outcome, at: self.time.wallSeconds()) }
        var tokens = outcome.usage?.totalTokens ?? self.bound.tokens
        if case .finished = outcome.end {} else { tokens = max(tokens, self.bound.tokens) }
        self.settle(cost, tokens: tokens)
    }

    /// The call failed before it answered.
    func failed(_ error: NeedletailError) {
        guard CallBound.mayBeBilled(error, wasSent: self.context.call?.wasSent ?? true) else {
            return self.settle(Cost(.zero), tokens: 0)
        }
        self.ended(Outcome(.failed(error)))
    }

    /// - Parameter cost: `nil` where no price is known; then all that was held counts as spent.
    private func settle(_ cost: Cost?, tokens: Int) {
        var isOverHold = false
        if let hold = self.hold, let budgets = self.budgets {
            isOverHold = budgets.settle(hold, money: cost?.amount.picodollars ?? hold.money, tokens: Int128(tokens))
        }
        self.context.call?.cost.add(cost, isOverHold: isOverHold)
        self.context.request.cost.add(cost, isOverHold: isOverHold)
    }
}
