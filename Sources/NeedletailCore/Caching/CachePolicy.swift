/// What a request says about the reply cache (`x-needletail-cache`).
public enum CachePolicy: String, Sendable, Hashable {
    /// Answer from the cache where it has the reply, and keep the reply where it has not. The default.
    case normal
    /// Neither answer from the cache nor keep the reply.
    case noStore = "no-store"
    /// Answer from the cache or not at all (504).
    case onlyIfCached = "only-if-cached"
}

/// How a reply relates to the cache.
public enum CacheStatus: Sendable, Hashable {
    /// It comes from the cache, where it has been for so many seconds.
    case hit(age: Int64)
    /// It was looked for and not there.
    case miss
    /// It was not looked for, by the request's wish or because such requests are not cached.
    case bypass
}
