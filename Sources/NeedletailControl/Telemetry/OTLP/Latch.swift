import NeedletailCore
import Synchronization

/// Something that happens once, and those who wait for it.
final class Latch: Sendable {
    private let hasHappened = Atomic<Bool>(false)
    private let waiters = Waiters()

    /// Whether it has happened.
    var isOpen: Bool { self.hasHappened.load(ordering: .sequentiallyConsistent) }

    /// It happens; all who wait go on. Further calls do nothing.
    func open() {
        self.hasHappened.store(true, ordering: .sequentiallyConsistent)
        self.waiters.wakeAll()
    }

    /// Returns when it has happened, or when the task is cancelled.
    func wait() async {
        await self.waiters.wait { self.isOpen }
    }
}
