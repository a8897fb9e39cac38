import Synchronization

/// Whether the process takes new work; shared by its listeners and what answers `/health`.
public final class ServingPhase: Sendable {
    private let draining = Atomic(false)
    private let ending = Atomic(false)

    /// Creates a phase that takes work.
    public init() {}

    /// Whether the process is about to end.
    public var isDraining: Bool { self.draining.load(ordering: .relaxed) }

    /// Whether what still runs has been told to end: a request that is cancelled has the server to blame, not its client.
    var isEnding: Bool { self.ending.load(ordering: .relaxed) }

    /// Turns `/health` to 503, before or while listeners drain.
    public func beginDraining() {
        self.draining.store(true, ordering: .relaxed)
    }
    /// Says that the drain's limit has passed.
    func beginEnding() {
        self.ending.store(true, ordering: .relaxed)
    }
}
