import NIOCore
public import NeedletailCore
import Synchronization

/// Remembers responses for `previous_response_id` and for being retrieved: in memory, for as long as the process runs.
public final class ResponseStore: Sendable {
    /// How much is remembered, and for how long.
    public struct Limits: Sendable {
        /// The most responses; default 10,000.
        public var count: Int
        /// The most bytes; default 64 MiB.
        public var size: Int
        /// The most bytes of one response with the conversation that led to it; default 8 MiB.
        public var responseSize: Int
        /// From when a response is over; default 24 hours.
        public var lifetime: Duration

        /// Creates limits.
        public init(
            count: Int = 10_000,
            size: Int = 64 << 20,
            responseSize: Int = 8 << 20,
            lifetime: Duration = .seconds(24 * 3600)
        ) {
            self.count = count
            self.size = size
            self.responseSize = responseSize
            self.lifetime = lifetime
        }
    }

    private let state: Mutex<ResponseStoreState>
    private let time: TimeSource

    /// Creates an empty store.
    public init(limits: Limits = Limits(), time: TimeSource) {
        self.state = Mutex(ResponseStoreState(limits))
        self.time = time
    }

    func find(_ key: ResponseStoreState.Key) -> ResponseStoreState.Record? {
        let now = self.time.now()
        return self.state.withLock { $0.find(key, now: now) }
    }

    func insert(
        _ record: ResponseStoreState.Record, as key: ResponseStoreState.Key, of owner: ResponseStoreState.Owner
    ) {
        let now = self.time.now()
        self.state.withLock { $0.insert(record, as: key, of: owner, now: now) }
    }

    /// Forgets the responses to an end user.
    ///
    /// - Parameter tenant: Only this tenant's user of that name; `nil` for all.
    /// - Returns: How many there were.
    public func erase(user: String, tenant: String?) -> Int {
        self.state.withLock { state in
            state.removeAll { $0.user == user && (tenant == nil || $0.tenant == tenant) }
        }
    }

    func remove(_ key: ResponseStoreState.Key) {
        self.state.withLock { state in _ = state.remove(key) }
    }
}
