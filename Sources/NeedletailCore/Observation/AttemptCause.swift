/// Why an upstream was called.
public enum AttemptCause: String, Sendable, Hashable, CaseIterable {
    /// The request's first call.
    case first
    /// The same provider and model as the call before, which failed.
    case retry
    /// Another provider or model than the call before, which failed.
    case failover
    /// Beside a call that is slow.
    case hedge
    /// In the place of a stream that broke after it began.
    case continuation
    /// A copy that answers nobody.
    case shadow
}
