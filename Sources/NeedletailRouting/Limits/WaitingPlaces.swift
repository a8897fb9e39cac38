import NeedletailCore
import Synchronization

/// The places in which the requests of one group wait, whichever of its routers they came by. Bounded. When all are taken,
/// one who has more claim to a place takes it from one who has less, whichever queue that waits in (``WaitingClaims``).
///
/// Its lock is taken within a queue's, never the other way about.
final class WaitingPlaces: Sendable {
    /// Whoever waits keeps its queue alive.
    private let claims: Mutex<WaitingClaims<AdmissionQueue>>

    init(_ capacity: Int) {
        self.claims = Mutex(WaitingClaims(capacity: capacity))
    }

    /// How many are taken.
    var count: Int { self.claims.withLock { $0.count } }

    /// Takes a place, of those that are free or from one who has less claim, and is to be told by the caller.
    ///
    /// - Returns: `nil` where there is none.
    func take(
        for key: String, _ priority: RequestPriority, in queue: AdmissionQueue
    ) -> WaitingClaims<AdmissionQueue>.Taken? {
        self.claims.withLock { $0.take(for: key, priority, in: queue) }
    }

    /// Gives a place back, unless it is another's already.
    func leave(_ ticket: AdmissionQueueState.Ticket) {
        self.claims.withLock { _ = $0.leave(ticket) }
    }
}
