/// What is left of the limits that a client is held to, for the headers of its reply.
public struct LimitReport: Sendable, Hashable {
    /// One limit.
    public struct Level: Sendable, Hashable {
        /// The most that it allows at once.
        public var limit: Int
        /// What is left.
        public var remaining: Int
        /// How long until all of it is there again.
        public var reset: Duration

        /// Creates a level.
        public init(limit: Int, remaining: Int, reset: Duration) {
            self.limit = limit
            self.remaining = remaining
            self.reset = reset
        }
    }

    /// Requests.
    public var requests: Level?
    /// Tokens.
    public var tokens: Level?

    /// Creates a report.
    public init(requests: Level? = nil, tokens: Level? = nil) {
        self.requests = requests
        self.tokens = tokens
    }

    /// Of each kind the one of which less is left.
    func tighter(_ other: Self) -> Self {
        func least(_ left: Level?, _ right: Level?) -> Level? {
            guard let left, let right else { return left ?? right }
            return right.remaining < left.remaining ? right : left
        }
        return Self(requests: least(self.requests, other.requests), tokens: least(self.tokens, other.tokens))
    }
}
