import NeedletailCore
import Synchronization

/// A question to the store that somebody waits for, not longer than is worth it.
final class ReplyLookup: Sendable {
    enum Answer: Sendable {
        case found(CachedReply)
        case absent
        /// It came too late, or nobody waits any more.
        case late
        /// The store could not say.
        case failed
    }

    private struct State {
        var answer: Answer?
        var waiter: CheckedContinuation<Answer, Never>?
    }

    private let state = Mutex(State())

    /// Answers; only the first time counts.
    func answer(_ answer: Answer) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Answer, Never>? in
            guard state.answer == nil else { return nil }
            state.answer = answer
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: answer)
    }

    /// The answer; `.late` if there is none until then, or once the task is cancelled.
    func value(until: Instant, _ time: TimeSource) async -> Answer {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                // Cancelled as soon as there is an answer.
                do { try await time.sleep(until) } catch { return }
                self.answer(.late)
            }
            let answer = await withTaskCancellationHandler {
                await withCheckedContinuation { waiter in
                    let known = self.state.withLock { state in
                        if state.answer == nil { state.waiter = waiter }
                        return state.answer
                    }
                    if let known { waiter.resume(returning: known) }
                }
            } onCancel: {
                self.answer(.late)
            }
            group.cancelAll()
            return answer
        }
    }
}
