import Synchronization

/// How much of something is done, told by one and read by another.
final class ProgressFraction: Sendable {
    private let fraction = Mutex(0.0)

    /// From 0 to 1.
    var value: Double {
        get { self.fraction.withLock { $0 } }
        set { self.fraction.withLock { $0 = newValue } }
    }
}
