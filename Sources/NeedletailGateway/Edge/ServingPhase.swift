import Synchronization

/// Whether the process takes new work; shared by its listeners and what answers `/health`.
public final class ServingPhase: Sendable {
    private let draining = Atomic(false)

    /// Creates a phase that takes work.
    public init() {}

    /// Whether the process is about to end.
    public var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// Turns `/health` to 503, before or while listeners drain.
    public func beginDraining() {
        self.draining.store(true, ordering: .relaxed)
    }
}
