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
}
