import NeedletailRouting

/// What the routers of one group have in common while they are built.
final class GroupParts {
    /// What its requests may ask for beyond their first calls, by whatever name they reach it.
    let budgets: RouterBudgets
    /// Those of its balancers that learn.
    var learned: [LearnedGroup] = []

    init(_ budgets: RouterBudgets) {
        self.budgets = budgets
    }
}
