import Synchronization

/// Wakes those who wait for a request to end. Waiting costs the requests nothing while nobody does.
final class RequestNews: Sendable {
    private struct State {
        var newest: UInt64 = 0
        var isClosed = false
        var serial: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            guard !self.waiters.isEmpty else { return [] }
            defer { self.waiters = [:] }
            return Array(self.waiters.values)
        }
    }

    private let state = Mutex(State())

    /// Those who wait.
    var waiting: Int { self.state.withLock { $0.waiters.count } }
    /// Whether nobody will be told anything any more.
    var isClosed: Bool { self.state.withLock { $0.isClosed } }

    /// The request with this number has ended.
    func tell(_ number: UInt64) {
        let waiters = self.state.withLock { state in
            state.newest = max(state.newest, number)
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Wakes everybody, now and for ever: the process ends.
    func close() {
        let waiters = self.state.withLock { state in
            state.isClosed = true
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until a request has ended after the one with this number, or the task is cancelled.
    func after(_ number: UInt64) async {
        let serial = self.state.withLock { state in
            state.serial += 1
            return state.serial
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let isOver = self.state.withLock { state in
                    guard state.newest <= number, !state.isClosed, !Task.isCancelled else { return true }
                    state.waiters[serial] = waiter
                    return false
                }
                if isOver { waiter.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiters.removeValue(forKey: serial) }?.resume()
        }
    }
}
