import NeedletailCore
import Synchronization

/// What has been learnt of how long a deployment's streams take to their first event, shared by all groups.
public final class AdaptiveTimeout: Sendable {
    private let state = Mutex(AdaptiveTimeoutState())

    /// Creates one of which nothing is known.
    public init() {}

    /// The limit now; `nil` while too little is known.
    public func limit(_ bounds: AdaptiveTimeoutState.Bounds) -> Duration? {
        self.state.withLock { $0.limit(bounds) }
    }

    func note(_ wait: Duration) {
        self.state.withLock { $0.insert(wait) }
    }
}
