public import NeedletailCore

/// What the requests of a group may ask for beyond their first calls, and where they wait, all together: shared by all
/// routers of the group.
public final class RouterBudgets: Sendable {
    /// Attempts after a failure; `nil` for no bound.
    let retries: RetryBudget?
    /// Second targets beside a slow one; `nil` where there are none.
    let hedges: RetryBudget?
    /// Where requests wait. Each router has a queue of its own, so that nobody waits behind one who wants something else.
    let places: WaitingPlaces

    /// Creates full budgets.
    ///
    /// - Parameter waiting: The most requests that wait at a time, from 0; see ``QueuePolicy/size``.
    public init(retries: RetryBudgetPolicy?, hedge: HedgePolicy?, waiting: Int, now: Instant) {
        self.places = WaitingPlaces(waiting)
        self.retries = retries.map { RetryBudget($0, now: now) }
        self.hedges = hedge.map { RetryBudget(RetryBudgetPolicy(ratio: $0.budget, perSecond: 0), now: now) }
    }
}
