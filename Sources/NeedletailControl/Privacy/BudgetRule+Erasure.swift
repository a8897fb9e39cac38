import NeedletailCore
import NeedletailRouting

extension [BudgetRule] {
    /// The counts of an end user in budgets that count each user, each with when what still counts of it begins.
    ///
    /// - Parameter now: Seconds since 1970.
    func counters(of user: String, now: Int64) -> [BudgetSlot] {
        self.filter { $0.each == .user && $0.window.period != .call }.map { rule in
            BudgetSlot(counter: rule.counter(user), start: rule.window.since(at: now))
        }
    }
}
