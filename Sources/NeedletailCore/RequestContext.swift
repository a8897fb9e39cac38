public import HTTPTypes
public import Logging
import Synchronization

/// What is known about a call besides its content.
public struct RequestContext: Sendable {
    /// What stays the same for all attempts of a request.
    public let request: RequestInfo
    /// When all attempts must have ended; `nil` for never.
    public var deadline: Instant?
    /// Counts the attempts, from 1.
    public var attempt: Int
    /// Why the next call is made, where whoever makes it knows: a hedge, a continuation, a shadow. `nil` leaves it to be
    /// told from the call before.
    public var cause: AttemptCause?
    /// Where the attempts are noted, where the request is observed.
    public var trail: RequestTrail?
    /// Where a leaf tells what it does, where the attempt is observed.
    public var call: CallProgress?
    /// Those whose stream broke after the commit; they are asked again only when no other is left.
    public var broken: [BrokenTarget] = []
    /// How long a stream may take to its first event, where that is less than what the provider's timeouts say.
    public var firstTokenLimit: Duration?
    /// Whether a streamed reply is written anew on its way to the client, with ids that the gateway makes.
    public var rewritesStream = false
    /// Seeds what is drawn in choosing targets, so that what is explained is what is then done; `nil` leaves drawing to the
    /// router's own source.
    package var draw: UInt64?
    /// The most calls that the request may make, whatever routers it passes through; `nil` until a router has set it.
    package var attemptLimit: Int?
    /// Whether the router above has counted the call that the next router makes first.
    package var isCounted = false

    /// The calls of this attempt that go on when the client has left, where others run beside it; else those of the request.
    package var detachedCalls: DetachedCalls {
        get { self.attemptCalls ?? .request(self.request) }
        set { self.attemptCalls = newValue }
    }
    private var attemptCalls: DetachedCalls?

    /// Creates a context for a first attempt.
    public init(_ request: RequestInfo, deadline: Instant? = nil, attempt: Int = 1) {
        self.request = request
        self.deadline = deadline
        self.attempt = attempt
    }

    /// The request's id.
    public var id: String { self.request.id }
    /// Where to log.
    public var logger: Logger { self.request.logger }
}

/// The constant part of a ``RequestContext``; one object per request.
public final class RequestInfo: Sendable {
    /// The id that client and log share.
    public let id: String
    /// Client headers that an upstream of the same dialect is to see, for example `anthropic-beta`.
    public let forwardedHeaders: HTTPFields
    /// Whether to refuse rather than lose a field.
    public let isStrict: Bool
    /// The name of the client's key.
    public let keyName: String?
    /// The tenant that the key belongs to; `nil` for none.
    public let tenant: String?
    /// The models that the key may use, as globs; `nil` for all.
    public let allowedModels: [String]?
    /// The team that the key belongs to; `nil` for none.
    public let team: String?
    /// The words that the key's requests are counted under.
    public let tags: [String]
    /// The providers that may answer the key, as globs; `nil` for all.
    public let allowedProviders: [String]?
    /// Client headers that the configuration looks at, for example in a rule's condition. No other is kept, and none of
    /// these goes upstream.
    public let routingHeaders: HTTPFields
    /// How often the client's SDK has tried this before (`x-stainless-retry-count`).
    public let clientRetryCount: Int
    /// How long the client's SDK waits for the next byte (`x-stainless-read-timeout`).
    public let readTimeout: Duration?
    /// When the gateway had the whole request; `nil` if nobody noted it.
    public let start: Instant?
    /// The client's span; `nil` if it told of none.
    public let trace: TraceContext?
    /// What the client says about the reply cache.
    public let cachePolicy: CachePolicy
    /// Who goes first when not all can. Default normal.
    public let priority: RequestPriority
    /// Whether the client asked to be told what was decided (`x-needletail-explain`).
    public let isExplained: Bool
    /// Where to log.
    public let logger: Logger
    /// The most that the client lets this request cost; `nil` for no bound of its own.
    public let maximumCost: Money?
    /// What the calls made for this request cost, all together.
    public let cost = RecordedCost()
    /// Calls sent upstream for this request, whatever groups it passed through.
    private let sentAttempts = Atomic<Int>(0)
    /// Lines that the ledger has of it.
    private let ledgerLines = Atomic<Int>(0)
    private let report = Mutex<LimitReport?>(nil)
    private let decided = Mutex<(any RequestDecision)?>(nil)
    /// Nanoseconds spent on waiting for providers, backoff included.
    private let waited = Atomic<Int64>(0)
    /// Calls that go on when the client has left.
    let detached = Mutex(DetachedCalls.State())

    /// Creates the constant part.
    public init(
        id: String,
        forwardedHeaders: HTTPFields = [:],
        isStrict: Bool = false,
        keyName: String? = nil,
        tenant: String? = nil,
        team: String? = nil,
        tags: [String] = [],
        allowedModels: [String]? = nil,
        allowedProviders: [String]? = nil,
        routingHeaders: HTTPFields = [:],
        clientRetryCount: Int = 0,
        readTimeout: Duration? = nil,
        start: Instant? = nil,
        trace: TraceContext? = nil,
        cachePolicy: CachePolicy = .normal,
        maximumCost: Money? = nil,
        priority: RequestPriority = .normal,
        isExplained: Bool = false,
        logger: Logger
    ) {
        self.id = id
        self.forwardedHeaders = forwardedHeaders
        self.isStrict = isStrict
        self.keyName = keyName
        self.tenant = tenant
        self.team = team
        self.tags = tags
        self.allowedModels = allowedModels
        self.allowedProviders = allowedProviders
        self.routingHeaders = routingHeaders
        self.clientRetryCount = clientRetryCount
        self.readTimeout = readTimeout
        self.start = start
        self.trace = trace
        self.cachePolicy = cachePolicy
        self.maximumCost = maximumCost
        self.priority = priority
        self.isExplained = isExplained
        self.logger = logger
    }

    /// Calls started so far.
    public var attempts: Int { self.sentAttempts.load(ordering: .relaxed) }

    /// The time spent on waiting for providers, backoff included: what the gateway itself is not to blame for.
    public var timeWaited: Duration { .nanoseconds(self.waited.load(ordering: .relaxed)) }

    /// Adds to ``timeWaited``.
    package func countWait(_ duration: Duration) {
        self.waited.wrappingAdd(duration.wholeNanoseconds, ordering: .relaxed)
    }

    /// Counts one more call unless there have been `limit`; called by the router just before it asks a target.
    package func countAttempt(limit: Int) -> Bool {
        var count = self.sentAttempts.load(ordering: .relaxed)
        while count < limit {
            let (isCounted, now) = self.sentAttempts.weakCompareExchange(
                expected: count, desired: count + 1, ordering: .relaxed)
            if isCounted { return true }
            count = now
        }
        return false
    }

    /// Takes a call back that was counted and not made.
    package func uncountAttempt() {
        self.sentAttempts.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Counts one more line of the ledger.
    ///
    /// - Returns: How many there were before.
    package func countLedgerLine() -> Int {
        self.ledgerLines.wrappingAdd(1, ordering: .relaxed).oldValue
    }

    /// What was decided about it; `nil` unless ``isExplained``, and until it has been.
    public var decision: (any RequestDecision)? { self.decided.withLock { $0 } }

    /// Records what was decided.
    package func decide(_ decision: any RequestDecision) {
        self.decided.withLock { $0 = decision }
    }

    /// What is left of the tightest of the client's own limits; `nil` where none holds.
    public var limitReport: LimitReport? { self.report.withLock { $0 } }

    /// Records what is left of the client's limits, for the reply's headers; where there are several, of each kind the
    /// tightest.
    package func report(_ limits: LimitReport) {
        self.report.withLock { $0 = $0?.tighter(limits) ?? limits }
    }
}
