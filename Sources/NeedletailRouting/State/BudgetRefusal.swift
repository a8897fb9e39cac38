public import NeedletailCore

/// Why a budget does not let a call through; the cause of the error that says so.
public struct BudgetRefusal: Error, Sendable, Hashable {
    /// The budget's name.
    public var budget: String
    /// What it counts.
    public var unit: BudgetRule.Unit
    /// The limit.
    public var limit: Int128
    /// What is left; `nil` if the call alone is over the limit.
    public var left: Int128?
    /// What the call may need.
    public var needed: Int128
    /// How long until there is more; `nil` for never.
    public var wait: Duration?
    /// What becomes of the request.
    public var exhaustion: BudgetRule.Exhaustion
    /// Whether less output would do.
    public var clamps: Bool

    init(_ rule: BudgetRule, left: Int128?, needed: Int128, now: Int64) {
        self.budget = rule.name
        self.unit = rule.unit
        self.limit = rule.limit
        self.left = left
        self.needed = needed
        self.exhaustion = rule.exhaustion
        self.clamps = rule.clamps
        let isHopeless = needed > rule.limit
        self.wait =
            isHopeless
            ? nil : rule.window.next(after: rule.window.start(at: now)).map { .seconds(max(1, $0 - now)) }
    }

    /// The error that the client sees.
    public var error: NeedletailError {
        let left = self.left.map { "\(Self.text($0, self.unit)) of \(Self.text(self.limit, self.unit)) are left" }
        return NeedletailError(
            .budgetExceeded,
            "The budget '\(self.budget)' does not cover this request: it may need \(Self.text(self.needed, self.unit)), and "
                + (left ?? "the limit is \(Self.text(self.limit, self.unit))")
                + ". A smaller max_tokens needs less.",
            retryAfter: self.wait, cause: self)
    }

    /// How much a call may need at most to be covered.
    var room: Int128 { max(0, min(self.left ?? self.limit, self.limit)) }

    static func text(_ amount: Int128, _ unit: BudgetRule.Unit) -> String {
        switch unit {
        case .money: "$\(Money(picodollars: amount))"
        case .tokens: "\(amount) tokens"
        }
    }
}

/// A budget that is nearly spent.
public struct BudgetWarning: Sendable, Hashable {
    /// The budget's name.
    public var budget: String
    /// Whose part of it; empty for all.
    public var subject: String
    /// What is used, as people write it.
    public var used: String
    /// The limit, as people write it.
    public var limit: String

    init(_ rule: BudgetRule, subject: String, used: Int128) {
        self.budget = rule.name
        self.subject = subject
        self.used = BudgetRefusal.text(used, rule.unit)
        self.limit = BudgetRefusal.text(rule.limit, rule.unit)
    }
}
