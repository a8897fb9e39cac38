/// One call to an upstream, as the ledger keeps it.
public struct LedgerLine: Sendable, Hashable {
    /// What is known of the other lines of the same request, so that it counts once, and need rarely be looked for.
    public enum Siblings: Sendable, Hashable {
        /// Nothing: they are looked for.
        case unknown
        /// There are none, and most probably none will come.
        case none
        /// There are none yet.
        case later
        /// So many were told before.
        case earlier(Int)
    }

    /// The end of the call, in milliseconds since 1970 UTC.
    public var wallMilliseconds: Int64
    /// The request's id, as client and log know it; empty for lines that stand for several.
    public var requestID: String
    /// Tells requests apart, also where clients use one id twice.
    public var request: Int64
    /// The name of the client's key; empty for none.
    public var key: String
    /// The tenant of the key; empty for none.
    public var tenant: String
    /// The team of the key; empty for none.
    public var team: String
    /// What the request is counted under.
    public var tags: [String]
    /// The client's end user, as the request named it; empty for none.
    public var user: String
    /// Who was called.
    public var provider: String
    /// The model, in the provider's words.
    public var model: String
    /// What was asked for.
    public var operation: String
    /// Counts the request's calls from 1.
    public var attempt: Int
    /// Why it was made.
    public var cause: String
    /// What the provider counted; `nil` if it told nothing.
    public var usage: Usage?
    /// What it cost; `nil` for unknown.
    public var cost: Cost?
    /// Whether it cost more than had been held for it.
    public var isOverHold: Bool
    /// The list that the price was taken from.
    public var priceVersion: String
    /// How long it took, in milliseconds.
    public var durationMilliseconds: Int64
    /// How long it took to its first event, in milliseconds; `nil` for whole replies.
    public var firstTokenMilliseconds: Int64?
    /// `finished`, `failed` or `abandoned`.
    public var outcome: String
    /// The code of its failure; empty for none.
    public var error: String
    /// What translation lost of the request and the answer, in the words of who said it; a provider's bookkeeping is not
    /// among it.
    public var lost: [String]
    /// The other lines of the request.
    public var siblings: Siblings
    /// How many calls the line stands for: more than 1 where the store was away for so long that lines were added up.
    public var calls: Int

    /// Creates a line of one call.
    public init(
        wallMilliseconds: Int64,
        requestID: String,
        request: Int64,
        key: String = "",
        tenant: String = "",
        team: String = "",
        tags: [String] = [],
        user: String = "",
        provider: String,
        model: String,
        operation: String = Operation.chat.rawValue,
        attempt: Int = 1,
        cause: String = AttemptCause.first.rawValue,
        usage: Usage? = nil,
        cost: Cost? = nil,
        isOverHold: Bool = false,
        priceVersion: String = "",
        durationMilliseconds: Int64 = 0,
        firstTokenMilliseconds: Int64? = nil,
        outcome: String = "finished",
        error: String = "",
        lost: [String] = [],
        siblings: Siblings = .unknown,
        calls: Int = 1
    ) {
        self.wallMilliseconds = wallMilliseconds
        self.requestID = requestID
        self.request = request
        self.key = key
        self.tenant = tenant
        self.team = team
        self.tags = tags
        self.user = user
        self.provider = provider
        self.model = model
        self.operation = operation
        self.attempt = attempt
        self.cause = cause
        self.usage = usage
        self.cost = cost
        self.isOverHold = isOverHold
        self.priceVersion = priceVersion
        self.durationMilliseconds = durationMilliseconds
        self.firstTokenMilliseconds = firstTokenMilliseconds
        self.outcome = outcome
        self.error = error
        self.lost = lost
        self.siblings = siblings
        self.calls = calls
    }
}
