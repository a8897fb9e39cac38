package import NeedletailCore
import Synchronization

/// Counts calls that run, refuses new ones once it is closed, and wakes whoever waits until none runs.
package final class RunningCalls: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let waiters = Waiters()

    package init() {}

    /// The calls that run.
    package var count: Int { self.state.withLock { $0.count } }

    /// Counts a call.
    ///
    /// - Returns: Whether it may begin; if not, it is not counted.
    package func begin() -> Bool {
        self.state.withLock { state in
            guard !state.isClosed else { return false }
            state.count += 1
            return true
        }
    }

    /// Ends a call that was counted.
    package func end() {
        let isLast = self.state.withLock { state in
            state.count -= 1
            return state.count == 0
        }
        if isLast { self.waiters.wakeAll() }
    }

    /// Lets no call begin any more.
    package func close() {
        self.state.withLock { $0.isClosed = true }
    }

    /// Waits until no call runs, or until a limit.
    ///
    /// - Returns: The calls that still run.
    package func untilIdle(within limit: Duration, time: TimeSource) async -> Int {
        let end = time.now().advanced(by: limit)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waiters.wait { self.count == 0 } }
            group.addTask { try? await time.sleep(end) }
            await group.next()
            group.cancelAll()
        }
        return self.count
    }
}
