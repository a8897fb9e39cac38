import Synchronization

/// A value that one task changes and another waits for.
final class Watched<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state: Mutex<State>

    init(_ value: Value) {
        self.state = Mutex(State(value: value))
    }

    /// Reads or changes the value and wakes nobody.
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        self.state.withLock { body(&$0.value) }
    }

    /// Changes the value and wakes whoever waits.
    func change(_ body: (inout Value) -> Void) {
        let waiter = self.state.withLock { state in
            body(&state.value)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Waits until a condition holds, as long as that takes, or the task is cancelled: a test whose time is over. For one task
    /// at a time.
    func wait(until condition: @Sendable (borrowing Value) -> Bool) async {
        while !self.state.withLock({ condition($0.value) }), !Task.isCancelled {
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let isStale = self.state.withLock { state in
                        if condition(state.value) || Task.isCancelled { return true }
                        state.waiter = continuation
                        return false
                    }
                    if isStale { continuation.resume() }
                }
            } onCancel: {
                self.change { _ in }
            }
        }
    }
}
