import NeedletailCore
import Synchronization

/// Wakes one sleeper before its time. Fired before it sleeps, it wakes it at once.
final class WakeSignal: Sendable {
    private enum State: Sendable {
        case idle
        case fired
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    init() {}

    /// Wakes whoever sleeps, or who does next.
    func fire() {
        let continuation = self.state.withLock { state -> CheckedContinuation<Void, Never>? in
            defer { state = .fired }
            if case .waiting(let continuation) = state { return continuation }
            return nil
        }
        continuation?.resume()
    }

    /// Sleeps until it is fired or `until` has come.
    ///
    /// - Throws: `.cancelled`.
    func sleep(until: Instant, _ time: TimeSource) async throws(NeedletailError) {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await time.sleep(until) }
            group.addTask { await self.wait() }
            await group.next()
            group.cancelAll()
        }
        self.state.withLock { $0 = .idle }
        if Task.isCancelled { throw NeedletailError(.cancelled, "The request was cancelled.") }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isFired = self.state.withLock { state -> Bool in
                    if case .fired = state { return true }
                    if Task.isCancelled { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isFired { continuation.resume() }
            }
        } onCancel: {
            self.fire()
        }
    }
}
