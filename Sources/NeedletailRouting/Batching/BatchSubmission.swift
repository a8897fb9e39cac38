import NeedletailCore
import Synchronization

/// What one caller asks a ``MicroBatcher`` for, and what comes of it, once.
final class BatchSubmission<Input: Sendable, Output: Sendable>: Sendable {
    enum Outcome: Sendable {
        case result(Result<[Output], NeedletailError>)
        /// It is to make the call itself.
        case alone
    }

    private enum State {
        case open
        case awaited(CheckedContinuation<Outcome, Never>)
        case settled(Outcome)
    }

    let inputs: [Input]
    private let state = Mutex(State.open)

    init(_ inputs: [Input]) {
        self.inputs = inputs
    }

    var isSettled: Bool {
        self.state.withLock { if case .settled = $0 { true } else { false } }
    }

    /// Says what came of it; only the first time counts.
    func settle(_ outcome: Outcome) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Outcome, Never>? in
            switch state {
            case .settled: return nil
            case .open:
                state = .settled(outcome)
                return nil
            case .awaited(let waiter):
                state = .settled(outcome)
                return waiter
            }
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for it, or for the task's cancellation, which leaves the others alone.
    func outcome() async -> Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                let outcome = self.state.withLock { state -> Outcome? in
                    if case .settled(let outcome) = state { return outcome }
                    state = .awaited(waiter)
                    return nil
                }
                if let outcome { waiter.resume(returning: outcome) }
            }
        } onCancel: {
            self.settle(.result(.failure(NeedletailError(.cancelled, "The request was cancelled."))))
        }
    }
}
