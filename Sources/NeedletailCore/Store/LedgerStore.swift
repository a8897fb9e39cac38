/// Keeps the ledger. Methods block; they are called on a thread that may, never on an event loop.
public protocol LedgerStore: Sendable {
    /// Appends lines and books what they cost of granted budgets, all or nothing, so that both survive the end of the
    /// process together.
    func append(_ lines: [LedgerLine], booking changes: [BudgetChange]) throws(NeedletailError)
    /// Adds up what lines cost.
    func costs(_ question: CostQuestion) throws(NeedletailError) -> CostReport
    /// Removes the oldest lines that ended before a moment.
    ///
    /// - Parameters:
    ///   - moment: In milliseconds since 1970.
    ///   - count: The most lines, so that nobody waits for long.
    /// - Returns: How many were removed.
    func removeLines(before moment: Int64, atMost count: Int) throws(NeedletailError) -> Int
}

/// What the ledger is asked.
public struct CostQuestion: Sendable, Hashable {
    /// What lines are told apart by.
    public enum Dimension: String, Sendable, Hashable, CaseIterable {
        /// The client's key.
        case key
        /// The key's tenant.
        case tenant
        /// The team of the key.
        case team
        /// What the request is counted under; one with several tags counts for each, and once in the total.
        case tag
        /// The client's end user.
        case user
        /// The model, in the provider's words.
        case model
        /// Who was called.
        case provider
        /// What was asked for.
        case operation
        /// The day, UTC.
        case day
        /// How sure the cost is.
        case accuracy
        /// How the call ended.
        case outcome
        /// What translation lost.
        case lost
    }

    /// What lines are told apart by, in this order.
    public var dimensions: [Dimension]
    /// The first millisecond since 1970 that counts; `nil` for all.
    public var since: Int64?
    /// The first millisecond that no longer counts; `nil` for all.
    public var until: Int64?
    /// Only lines of this key; `nil` for all.
    public var key: String?

    /// Creates a question.
    public init(by dimensions: [Dimension], since: Int64? = nil, until: Int64? = nil, key: String? = nil) {
        self.dimensions = dimensions
        self.since = since
        self.until = until
        self.key = key
    }
}

/// What calls cost.
public struct CostReport: Sendable, Hashable {
    /// Lines that are alike in all dimensions.
    public struct Row: Sendable, Hashable {
        /// One for each dimension.
        public var values: [String]
        /// Requests.
        public var requests: Int
        /// Calls upstream, which are more where some were tried again.
        public var calls: Int
        /// Input tokens.
        public var inputTokens: Int
        /// Output tokens.
        public var outputTokens: Int
        /// Of the input: read from a prompt cache.
        public var cachedInputTokens: Int
        /// The cost, without that of calls whose price is unknown.
        public var cost: Money
        /// Calls whose price is unknown.
        public var unpriced: Int

        /// Creates a row.
        public init(
            values: [String] = [],
            requests: Int = 0,
            calls: Int = 0,
            inputTokens: Int = 0,
            outputTokens: Int = 0,
            cachedInputTokens: Int = 0,
            cost: Money = .zero,
            unpriced: Int = 0
        ) {
            self.values = values
            self.requests = requests
            self.calls = calls
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
            self.cachedInputTokens = cachedInputTokens
            self.cost = cost
            self.unpriced = unpriced
        }
    }

    /// What rows are told apart by.
    public var dimensions: [CostQuestion.Dimension]
    /// The rows, the dearest first.
    public var rows: [Row]
    /// All together.
    public var total: Row

    /// Creates a report.
    public init(dimensions: [CostQuestion.Dimension], rows: [Row], total: Row) {
        self.dimensions = dimensions
        self.rows = rows
        self.total = total
    }
}
