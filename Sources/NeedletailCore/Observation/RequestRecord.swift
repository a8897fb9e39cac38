/// One request, from its first byte in the gateway to the end of its reply.
public final class RequestRecord: Sendable {
    /// Whose it is: id, key and what else is the same for all attempts.
    public let request: RequestInfo
    /// The dialect that the client speaks; `nil` for a request made in Swift.
    public let surface: DialectID?
    /// What was asked for.
    public let operation: Operation
    /// Whether the reply was to be streamed.
    public let isStreaming: Bool
    /// The model that the client named; empty for operations without one.
    public let model: String
    /// Who answered; `nil` if nobody did.
    public let provider: ProviderID?
    /// The model that answered, in the provider's words; `nil` if none did.
    public let answeredModel: String?
    /// The calls that ended before it did, in that order; their number is the length unless some outlive the request.
    public let attempts: [AttemptRecord]
    /// The HTTP status that the client saw; 499 if it left before there was one.
    public let status: Int
    /// How it ended and what it used. A failure before the commit is `.failed` too; see ``isCommitted``.
    public let outcome: Outcome
    /// Whether there was a reply: a stream that broke later was one.
    public let isCommitted: Bool
    /// How the reply relates to the cache; `nil` where there is none.
    public let cacheStatus: CacheStatus?
    /// Fields that translation lost, of the request and of the reply.
    public let losses: [Loss]
    /// When the gateway had the whole request.
    public let start: Instant
    /// The end, in nanoseconds since 1970-01-01 UTC.
    public let endWallNanoseconds: Int64
    /// From ``start`` to the end of the reply.
    public let duration: Duration
    /// From ``start`` to the first event of a stream; `nil` for whole replies and failures.
    public let timeToFirstToken: Duration?
    /// The part spent on waiting for providers, backoff included.
    public let waited: Duration
    /// What the gateway itself took up to the commit or the failure.
    public let overhead: Duration
    /// What it cost, all attempts together.
    public var cost: RecordedCost { self.request.cost }
    /// Its span, where it is traced.
    public let trace: TraceContext?

    /// Creates a record.
    public init(
        request: RequestInfo,
        surface: DialectID? = nil,
        operation: Operation = .chat,
        isStreaming: Bool = false,
        model: String,
        provider: ProviderID? = nil,
        answeredModel: String? = nil,
        attempts: [AttemptRecord] = [],
        status: Int,
        outcome: Outcome,
        isCommitted: Bool,
        cacheStatus: CacheStatus? = nil,
        losses: [Loss] = [],
        start: Instant,
        endWallNanoseconds: Int64 = 0,
        duration: Duration,
        timeToFirstToken: Duration? = nil,
        waited: Duration = .zero,
        overhead: Duration = .zero,
        trace: TraceContext? = nil
    ) {
        self.request = request
        self.surface = surface
        self.operation = operation
        self.isStreaming = isStreaming
        self.model = model
        self.provider = provider
        self.answeredModel = answeredModel
        self.attempts = attempts
        self.status = status
        self.outcome = outcome
        self.isCommitted = isCommitted
        self.cacheStatus = cacheStatus
        self.losses = losses
        self.start = start
        self.endWallNanoseconds = endWallNanoseconds
        self.duration = duration
        self.timeToFirstToken = timeToFirstToken
        self.waited = waited
        self.overhead = overhead
        self.trace = trace
    }

    /// The id that client and log share.
    public var id: String { self.request.id }
    /// The name of the client's key.
    public var keyName: String? { self.request.keyName }
    /// Whether the reply comes from the cache.
    public var isCached: Bool {
        if case .hit = self.cacheStatus { return true }
        return false
    }
    /// The tokens spent by the call that answered, as far as known.
    public var usage: Usage? { self.outcome.usage }
    /// What it failed with; `nil` if it ended well or the client left.
    public var error: NeedletailError? { self.outcome.error }
}
