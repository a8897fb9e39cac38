public import NeedletailCore

/// How one call to a target went, as far as choosing among targets is concerned.
public struct AttemptResult: Sendable {
    /// What a call says about its target.
    public enum Verdict: Sendable, Hashable {
        /// It answered.
        case success
        /// It failed, and the target is to blame.
        case failure
        /// Nothing: the client was wrong or went away, or the failure blames nobody.
        case neutral
    }

    /// What it says about the target.
    public var verdict: Verdict
    /// From the call's start until the reply was committed (the whole reply, or the first event of a stream) or the
    /// call failed.
    public var latency: Duration
    /// Whether the reply was streamed, so that ``latency`` is the time to its first token.
    public var isStreamed: Bool
    /// The tokens spent, where known.
    public var usage: Usage?

    /// Creates a result.
    public init(_ verdict: Verdict, latency: Duration, isStreamed: Bool = false, usage: Usage? = nil) {
        self.verdict = verdict
        self.latency = latency
        self.isStreamed = isStreamed
        self.usage = usage
    }
}

extension AttemptResult.Verdict {
    /// What a failure says about its target, by the one table of failures.
    public init(_ error: NeedletailError) {
        self = error.disposition.blamesTarget ? .failure : .neutral
    }

    /// What the end of a committed reply says about its target.
    public init(_ outcome: Outcome) {
        switch outcome.end {
        case .finished: self = .success
        case .failed(let error): self.init(error)
        case .abandoned: self = .neutral
        }
    }
}
