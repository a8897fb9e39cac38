import Synchronization

/// What the guards have done, since the process began. The names are the configuration's, so that there are few.
public final class GuardCounts: Sendable {
    /// One thing that a guard does.
    public struct Event: Sendable, Hashable {
        /// `redaction`, `deny` or `hook`.
        public var guardKind: String
        /// The detector, the list or the hook.
        public var name: String
        /// What came of it.
        public var outcome: String
    }

    private let counts = Mutex<[Event: Int]>([:])

    /// Creates counts that are zero.
    public init() {}

    /// Counts something.
    func count(_ kind: String, _ name: String, _ outcome: String, by number: Int = 1) {
        self.counts.withLock { $0[Event(guardKind: kind, name: name, outcome: outcome), default: 0] += number }
    }

    /// All of it.
    public func snapshot() -> [Event: Int] { self.counts.withLock { $0 } }
}
