public import NeedletailCore

/// What the requests of a group may ask for beyond their first calls, all together: shared by all routers of the group.
public final class RouterBudgets: Sendable {
    /// Attempts after a failure; `nil` for no bound.
    let retries: RetryBudget?
    /// Second targets beside a slow one; `nil` where there are none.
    let hedges: RetryBudget?

    /// Creates full budgets.
    public init(retries: RetryBudgetPolicy?, hedge: HedgePolicy?, now: Instant) {
        self.retries = retries.map { RetryBudget($0, now: now) }
        self.hedges = hedge.map { RetryBudget(RetryBudgetPolicy(ratio: $0.budget, perSecond: 0), now: now) }
    }
}
