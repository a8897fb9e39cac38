public import NeedletailCore

/// One place a request may go.
public final class Target: Sendable {
    /// Who answers.
    public let provider: any Provider
    /// The model to ask for; `nil` passes the client's on.
    public let model: String?
    /// The dialect to ask in; `nil` leaves the choice to the provider.
    public let dialect: DialectID?
    /// Lower is asked first.
    public let priority: Int
    /// How often and how soon this target is asked again for one request.
    public let retry: RetryPolicy

    /// Creates a target.
    public init(
        _ provider: any Provider,
        model: String? = nil,
        dialect: DialectID? = nil,
        priority: Int = 1,
        retry: RetryPolicy = RetryPolicy()
    ) {
        self.provider = provider
        self.model = model
        self.dialect = dialect
        self.priority = priority
        self.retry = retry
    }
}
