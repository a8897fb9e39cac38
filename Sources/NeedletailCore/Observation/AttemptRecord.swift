/// One call to an upstream, from its start to the end of what it answered.
public final class AttemptRecord: Sendable {
    /// The request that it was made for.
    public let request: RequestInfo
    /// Who was called.
    public let provider: ProviderID
    /// The model, in the provider's words.
    public let model: String
    /// The client's own user, as the request named it; `nil` for none.
    public let user: String?
    /// What was asked for.
    public let operation: Operation
    /// Whether the reply was to be streamed.
    public let isStreaming: Bool
    /// Counts the request's calls from 1, in the order in which they began.
    public let number: Int
    /// Why it was made.
    public let cause: AttemptCause
    /// Whether anything was sent: a request that an upstream cannot take is refused before.
    public let wasSent: Bool
    /// When it began.
    public let start: Instant
    /// From its start to the end of the reply or the failure.
    public let duration: Duration
    /// From its start to the first event of a stream; `nil` for whole replies and where none came.
    public let timeToFirstToken: Duration?
    /// How it ended and what it used. A failure before the commit is `.failed` too; see ``isCommitted``.
    public let outcome: Outcome
    /// Whether it answered: a stream that broke later did.
    public let isCommitted: Bool
    /// The dialect it was asked in, where it answered.
    public let dialect: DialectID?
    /// What it cost.
    public let cost: RecordedCost
    /// Its span, where the request is traced.
    public let trace: TraceContext?

    /// Creates a record.
    public init(
        request: RequestInfo,
        provider: ProviderID,
        model: String,
        user: String? = nil,
        operation: Operation = .chat,
        isStreaming: Bool = false,
        number: Int = 1,
        cause: AttemptCause = .first,
        wasSent: Bool = true,
        start: Instant,
        duration: Duration,
        timeToFirstToken: Duration? = nil,
        outcome: Outcome,
        isCommitted: Bool,
        dialect: DialectID? = nil,
        cost: RecordedCost = RecordedCost(),
        trace: TraceContext? = nil
    ) {
        self.request = request
        self.provider = provider
        self.model = model
        self.user = user
        self.operation = operation
        self.isStreaming = isStreaming
        self.number = number
        self.cause = cause
        self.wasSent = wasSent
        self.start = start
        self.duration = duration
        self.timeToFirstToken = timeToFirstToken
        self.outcome = outcome
        self.isCommitted = isCommitted
        self.dialect = dialect
        self.cost = cost
        self.trace = trace
    }

    /// The name of what was called, `provider/model`.
    public var deployment: String { "\(self.provider)/\(self.model)" }
    /// What it failed with; `nil` if it ended well or was given up.
    public var error: NeedletailError? { self.outcome.error }
}

extension Outcome {
    /// What it failed with; `nil` if it ended well or was given up.
    public var error: NeedletailError? {
        if case .failed(let error) = self.end { return error }
        return nil
    }
}
