import NeedletailCore

/// What a modelled provider still allows: a bucket that is refilled steadily, in exact whole nanoseconds. Pure.
///
/// Written apart from the gateway's own buckets, which it is there to judge.
struct ProviderLimitState {
    private let interval: Int64
    private let depth: Int64
    /// When the bucket is full again, had nobody come meanwhile.
    private var full = Instant(nanoseconds: 0)

    init(_ limit: ProviderBehaviour.RateLimit) {
        self.interval = 60_000_000_000 / Int64(limit.requestsPerMinute)
        self.depth = self.interval * Int64(max(1, limit.burst ?? limit.requestsPerMinute))
    }

    /// Takes a request's share.
    ///
    /// - Returns: How long to wait instead; `nil` if there was enough.
    mutating func admit(now: Instant) -> Duration? {
        let after = max(self.full, now).advanced(by: .nanoseconds(self.interval))
        let excess = after.nanoseconds - now.nanoseconds - self.depth
        guard excess <= 0 else { return .nanoseconds(excess) }
        self.full = after
        return nil
    }
}
