/// How cached replies are kept in the store.
public struct CacheStoreConfiguration: Sendable, Hashable {
    /// The bytes that all of them may take together, about. Default 256 MiB.
    public var maximumSize = 256 << 20
    /// How long a request waits at most to hear whether the store has its reply. Default 100 ms: a disk that is well answers in
    /// less than one.
    public var wait = Duration.milliseconds(100)

    /// The defaults.
    public init() {}
}
