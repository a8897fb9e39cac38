public import NeedletailCore

/// What is left of the limits of one scope.
public struct LimitHeadroom: Sendable, Hashable {
    /// One bucket.
    public struct Level: Sendable, Hashable {
        /// The most that it holds.
        public var limit: Int
        /// What is in it.
        public var remaining: Int
        /// How long until it is full.
        public var untilFull: Duration
    }

    /// Requests: of the minute, or of the hour where only that is limited.
    public var requests: Level?
    /// Requests of the hour.
    public var requestsPerHour: Level?
    /// Tokens of the minute.
    public var tokens: Level?
    /// Requests at a time.
    public var concurrency: Int?
    /// Requests that run.
    public var running: Int
    /// Before when nothing is sent, because the provider asked for it.
    public var restsUntil: Instant?
    /// The share of the configured rates that is used, from 0 to 1, where limits are adaptive.
    public var share: Double?

    /// What a client is told; `nil` where neither requests nor tokens are limited.
    var report: LimitReport? {
        guard self.requests != nil || self.tokens != nil else { return nil }
        func told(_ level: Level?) -> LimitReport.Level? {
            level.map { LimitReport.Level(limit: $0.limit, remaining: $0.remaining, reset: $0.untilFull) }
        }
        return LimitReport(requests: told(self.requests), tokens: told(self.tokens))
    }

    /// The share that is left of what is scarcest, from 0 to 1; 1 where nothing is limited.
    public var fraction: Double {
        var least = self.restsUntil == nil ? 1.0 : 0
        for level in [self.requests, self.requestsPerHour, self.tokens] {
            guard let level else { continue }
            least = min(least, Double(level.remaining) / Double(max(1, level.limit)))
        }
        if let limit = self.concurrency { least = min(least, Double(max(0, limit - self.running)) / Double(limit)) }
        return least
    }
}
