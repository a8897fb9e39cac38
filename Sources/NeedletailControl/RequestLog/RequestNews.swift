import NeedletailCore
import Synchronization

/// Wakes those who wait for a request to end. Waiting costs the requests nothing while nobody does.
final class RequestNews: Sendable {
    private struct State {
        var newest: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waiters = Waiters()

    /// Those who wait.
    var waiting: Int { self.waiters.count }
    /// Whether nobody will be told anything any more.
    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    /// The request with this number has ended.
    func tell(_ number: UInt64) {
        self.state.withLock { $0.newest = max($0.newest, number) }
        self.waiters.wakeAll()
    }

    /// Wakes everybody, now and for ever: the process ends.
    func close() {
        self.state.withLock { $0.isClosed = true }
        self.waiters.wakeAll()
    }

    /// Waits until a request has ended after the one with this number, or the task is cancelled.
    func after(_ number: UInt64) async {
        await self.waiters.wait { self.state.withLock { $0.newest > number || $0.isClosed } }
    }
}
