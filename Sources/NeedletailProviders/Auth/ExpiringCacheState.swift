import NeedletailCore

/// What to do for a value that ends: use the one that is there, fetch one, or wait for somebody who does. Pure.
struct ExpiringCacheState<Value: Sendable> {
    enum Step {
        case use(Value)
        case fetch
        case wait
    }

    /// A value that ends sooner is not used: the request has a way to go.
    static var margin: Duration { .seconds(10) }
    /// How long before its end a value is replaced, or half its life if that is less.
    static var refreshAhead: Duration { .seconds(300) }
    /// How soon after a fetch the next early one may follow: some servers give out the same value until shortly before
    /// its end, and one that fails should be left alone.
    static var pause: Duration { .seconds(30) }

    private var value: Value?
    private var expires: Instant?
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

    /// The value, unless it is about to end.
    func usable(now: Instant) -> Value? {
        if let expires = self.expires, now.advanced(by: Self.margin) >= expires { return nil }
        return self.value
    }

    mutating func fetched(_ value: Value, expires: Instant?, now: Instant) {
        self.isFetching = false
        self.value = value
        self.expires = expires
        self.refreshAt = Instant(nanoseconds: .max)
        guard let expires else { return }
        let ahead = min(Self.refreshAhead, expires.duration(since: now) / 2)
        self.refreshAt = max(expires.advanced(by: .zero - ahead), now.advanced(by: Self.pause))
    }

    mutating func failed(now: Instant) {
        self.isFetching = false
        self.refreshAt = now.advanced(by: Self.pause)
    }

    /// Forgets a value that was refused.
    mutating func drop(where isRefused: (Value) -> Bool) {
        if let value = self.value, isRefused(value) { self.value = nil }
    }
}
