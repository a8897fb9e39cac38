/// Grants budgets in blocks. What it grants is written down before it is spent, so that whatever happens to this process,
/// no more than the limit can have gone. Methods block; they are called on a thread that may, never on an event loop.
public protocol BudgetAuthority: Sendable {
    /// Grants blocks, all or none of them.
    ///
    /// - Returns: A block for each, in the order of `requests`, between ``BudgetGrantRequest/least`` and
    ///   ``BudgetGrantRequest/preferred``; or how much is left of the first that has too little.
    func grant(_ requests: [BudgetGrantRequest]) throws(NeedletailError) -> BudgetGrant
    /// Books what was spent of granted blocks, and takes back what is not needed; all or none.
    func book(_ changes: [BudgetChange]) throws(NeedletailError)
}

/// One count of a budget: whose, and of which stretch of time.
public struct BudgetSlot: Sendable, Hashable {
    /// The budget and whom it counts for.
    public var counter: String
    /// The beginning of the stretch, in seconds since 1970.
    public var start: Int64

    /// Creates a slot.
    public init(counter: String, start: Int64) {
        self.counter = counter
        self.start = start
    }
}

/// A block that is asked for.
public struct BudgetGrantRequest: Sendable, Hashable {
    /// Where it is booked.
    public var slot: BudgetSlot
    /// Slots of the counter from this one on count against the limit; equal to the slot's own start for calendar windows.
    public var since: Int64
    /// The limit.
    public var limit: Int128
    /// Less is of no use.
    public var least: Int128
    /// As much is wanted.
    public var preferred: Int128

    /// Creates a request.
    public init(slot: BudgetSlot, since: Int64, limit: Int128, least: Int128, preferred: Int128) {
        self.slot = slot
        self.since = since
        self.limit = limit
        self.least = least
        self.preferred = preferred
    }
}

/// A block that was granted.
public struct BudgetBlock: Sendable, Hashable {
    /// How much.
    public var amount: Int128
    /// How much is left of the limit after it.
    public var left: Int128

    /// Creates a block.
    public init(amount: Int128, left: Int128) {
        self.amount = amount
        self.left = left
    }
}

/// An answer to requests for blocks.
public enum BudgetGrant: Sendable, Hashable {
    /// One block for each.
    case granted([BudgetBlock])
    /// The request with this index cannot be met; so much is left.
    case refused(index: Int, left: Int128)
}

/// What became of granted blocks.
public struct BudgetChange: Sendable, Hashable {
    /// Where.
    public var slot: BudgetSlot
    /// What was spent in addition.
    public var spent: Int128
    /// By how much the granted and unspent part changes; below zero.
    public var leased: Int128

    /// Creates a change.
    public init(slot: BudgetSlot, spent: Int128, leased: Int128) {
        self.slot = slot
        self.spent = spent
        self.leased = leased
    }
}

/// A count as the authority knows it.
public struct BudgetBalance: Sendable, Hashable {
    /// Which.
    public var slot: BudgetSlot
    /// What was spent.
    public var spent: Int128
    /// What is granted and neither spent nor returned: held by calls under way, kept ready, or lost in a crash.
    public var leased: Int128

    /// Creates a balance.
    public init(slot: BudgetSlot, spent: Int128, leased: Int128) {
        self.slot = slot
        self.spent = spent
        self.leased = leased
    }
}
