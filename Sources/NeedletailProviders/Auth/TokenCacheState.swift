import NeedletailCore

/// What to do for a token: use the one that is there, fetch one, or wait for somebody who does. Pure.
struct TokenCacheState: Equatable {
    enum Step: Equatable {
        case use(String)
        case fetch
        case wait
    }

    /// A token that ends sooner is not used: the request has a way to go.
    static let margin = Duration.seconds(10)
    /// How long before its end a token is replaced, or half its life if that is less.
    static let refreshAhead = Duration.seconds(300)
    /// How soon after a fetch the next early one may follow: some servers give out the same token until shortly before
    /// its end, and one that fails should be left alone.
    static let pause = Duration.seconds(30)

    private var token: AccessToken?
    private var refreshAt = Instant(nanoseconds: .max)
    private(set) var isFetching = false

    /// What the caller does now; told to fetch, it must report how that went.
    mutating func next(now: Instant) -> Step {
        if let value = self.usable(now: now) {
            guard !self.isFetching, now >= self.refreshAt else { return .use(value) }
            self.isFetching = true
            return .fetch
        }
        guard !self.isFetching else { return .wait }
        self.isFetching = true
        return .fetch
    }

    /// The token, unless it is about to end.
    func usable(now: Instant) -> String? {
        guard let token = self.token else { return nil }
        if let expires = token.expires, now.advanced(by: Self.margin) >= expires { return nil }
        return token.value
    }

    mutating func fetched(_ token: AccessToken, now: Instant) {
        self.isFetching = false
        self.token = token
        self.refreshAt = Instant(nanoseconds: .max)
        guard let expires = token.expires else { return }
        let ahead = min(Self.refreshAhead, expires.duration(since: now) / 2)
        self.refreshAt = max(expires.advanced(by: .zero - ahead), now.advanced(by: Self.pause))
    }

    mutating func failed(now: Instant) {
        self.isFetching = false
        self.refreshAt = now.advanced(by: Self.pause)
    }

    /// Forgets a token that was refused.
    mutating func drop(_ value: String) {
        if self.token?.value == value { self.token = nil }
    }
}
