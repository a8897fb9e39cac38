import NeedletailCore
import Synchronization

/// A budget of attempts that all requests of a group share: a lock around its state.
final class RetryBudget: Sendable {
    private let state: Mutex<RetryBudgetState>

    init(_ policy: RetryBudgetPolicy, now: Instant) {
        self.state = Mutex(RetryBudgetState(ratio: policy.ratio, perSecond: policy.perSecond, now: now))
    }

    /// Pays in for a request.
    func deposit(now: Instant) {
        self.state.withLock { $0.deposit(now: now) }
    }

    /// Whether an attempt could be taken; changes nothing.
    func canWithdraw(now: Instant) -> Bool {
        self.state.withLock { $0.canWithdraw(now: now) }
    }

    /// Takes an attempt if there is one.
    func withdraw(now: Instant) -> Bool {
        self.state.withLock { $0.withdraw(now: now) }
    }

    /// Gives back attempts that were taken and not made.
    func giveBack(_ count: Int, now: Instant) {
        guard count > 0 else { return }
        self.state.withLock { $0.giveBack(count, now: now) }
    }
}
