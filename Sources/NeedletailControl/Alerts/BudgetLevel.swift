import NeedletailRouting

/// How one count of a budget stands, in dollars or tokens.
struct BudgetLevel: Sendable, Hashable {
    /// The count's name, `budget` or `budget/subject`.
    var name: String
    /// `dollars` or `tokens`.
    var unit: String
    var limit: Double
    var spent: Double
    /// For calls of this gateway that run.
    var held: Double
    /// What calls may still be granted; blocks that this or another gateway keeps ready are taken off.
    var remaining: Double

    /// - Parameter mine: What this process has not booked yet.
    init(_ rule: BudgetRule, _ count: BudgetLine.Count, mine: (held: Int128, free: Int128, waiting: Int128)) {
        let scale = rule.unit == .money ? 1e12 : 1
        self.name = count.name
        self.unit = rule.unit == .money ? "dollars" : "tokens"
        self.limit = Double(rule.limit) / scale
        self.spent = Double(count.spent + mine.waiting) / scale
        self.held = Double(mine.held) / scale
        self.remaining = Double(max(0, rule.limit - count.spent - count.leased)) / scale
    }

    /// - Parameter used: The part of the limit, 0 to 1.
    init(name: String, used: Double) {
        self.name = name
        self.unit = "dollars"
        self.limit = 1
        self.spent = used
        self.held = 0
        self.remaining = 1 - used
    }

    /// The part of the limit that is spent or not to be had, 0 to 1.
    var used: Double { 1 - self.remaining / self.limit }
}
