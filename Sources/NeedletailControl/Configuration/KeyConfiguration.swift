public import NeedletailCore
public import NeedletailRouting

/// A client's key.
public struct KeyConfiguration: Sendable {
    /// What may be spent.
    public struct Budget: Sendable, Hashable {
        /// How much.
        public var limit: Money
        /// In which time: `hour`, `day`, `week`, `month` or `total`.
        public var period: String
        /// Thousandths of the limit at which the operator is told. Default 800.
        public var warnings = [800]
        /// What becomes of a request that it does not cover. Default refused.
        public var exhaustion = BudgetRule.Exhaustion.refuse
        /// Whether a request gets as much output as what is left buys.
        public var clamps = false
    }

    /// The name, for logs and bills.
    public var name: String
    /// The key itself.
    public var secret: Secret
    /// Whether it opens anything.
    public var isEnabled = true
    /// Who it speaks for and what it opens.
    public var grant = KeyGrant()
    /// The limits.
    public var limits = LimitConfiguration()
    /// Who goes first when not all can.
    public var priority = RequestPriority.normal
    /// The budget.
    public var budget: Budget?

    /// The tenant that it belongs to, for rules, limits and bills; `nil` for none.
    public var tenant: String? { self.grant.tenant }
}
