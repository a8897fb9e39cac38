import Synchronization

/// Tasks that wait for something to happen; a cancelled one waits no longer.
///
/// What happens is its owner's to know. The owner first takes note of it, where ``wait(unless:)`` looks, and then calls
/// ``wakeAll()``: in this order, and where the note is under a lock or a sequentially consistent atomic, nobody who waits is
/// missed. To wake costs one load while nobody waits.
package final class Waiters: Sendable {
    private struct State {
        var serial: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())
    /// Those who wait, or are about to.
    private let coming = Atomic<Int>(0)

    /// Creates an empty list.
    package init() {}

    /// Those who wait.
    package var count: Int { self.state.withLock { $0.waiting.count } }

    /// Lets all who wait now go on.
    package func wakeAll() {
        guard self.coming.load(ordering: .sequentiallyConsistent) > 0 else { return }
        let waiting = self.state.withLock { state in
            defer { state.waiting = [:] }
            return state.waiting
        }
        for waiter in waiting.values { waiter.resume() }
    }

    /// Returns when ``wakeAll()`` has been called, or when the task is cancelled.
    ///
    /// - Parameter isOver: Whether there is nothing to wait for; called once, under the list's lock.
    package func wait(unless isOver: () -> Bool) async {
        // Before the look: who changes what is looked at after it sees that somebody comes.
        self.coming.wrappingAdd(1, ordering: .sequentiallyConsistent)
        defer { self.coming.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
        let serial = self.state.withLock { state in
            state.serial += 1
            return state.serial
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let goesOn = self.state.withLock { state in
                    guard !isOver(), !Task.isCancelled else { return true }
                    state.waiting[serial] = waiter
                    return false
                }
                if goesOn { waiter.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.waiting.removeValue(forKey: serial) }?.resume()
        }
    }
}
