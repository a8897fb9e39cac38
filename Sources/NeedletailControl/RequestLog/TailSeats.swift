import Synchronization

/// How many may read the tail of the log at the same time.
final class TailSeats: Sendable {
    /// Enough for every screen of a team, and little memory if somebody opens more.
    static let count = 32

    private let taken = Atomic(0)

    /// Readers now.
    var inUse: Int { self.taken.load(ordering: .relaxed) }

    /// Takes a seat.
    ///
    /// - Returns: Whether there was one; then ``leave()`` must follow.
    func take() -> Bool {
        guard self.taken.add(1, ordering: .relaxed).newValue > Self.count else { return true }
        self.leave()
        return false
    }

    func leave() { self.taken.subtract(1, ordering: .relaxed) }
}
