import Synchronization

/// Runs work that must not end with the request that asked for it: in one structured scope, which whoever composes the
/// stack keeps open with ``run()``.
///
/// What is accepted is run, whatever happens: after ``close()`` it runs cancelled, so that whoever waits for it hears of
/// an end.
public final class JobRunner: Sendable {
    /// A piece of work. It must end soon once it is cancelled.
    typealias Job = @Sendable () async -> Void

    private struct State {
        var isOpen = false
        var isClosed = false
        var pending: [Job] = []
        var running = 0
        var waker: CheckedContinuation<Void, Never>?

        mutating func takeWaker() -> CheckedContinuation<Void, Never>? {
            defer { self.waker = nil }
            return self.waker
        }
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// Creates a runner that takes nothing before ``run()``.
    ///
    /// - Parameter capacity: The most jobs at a time, at least 1.
    public init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// Whether it takes jobs.
    public var isRunning: Bool { self.state.withLock { $0.isOpen && !$0.isClosed } }

    /// Starts a job soon.
    ///
    /// - Returns: Whether it was accepted: not before ``run()``, not after ``close()``, and not beyond the capacity.
    func start(_ job: @escaping Job) -> Bool {
        let (isAccepted, waker) = self.state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard state.isOpen, !state.isClosed, state.running < self.capacity else { return (false, nil) }
            state.running += 1
            state.pending.append(job)
            return (true, state.takeWaker())
        }
        waker?.resume()
        return isAccepted
    }

    /// Takes jobs from now on; they wait for ``run()``, which must follow.
    package func open() {
        self.state.withLock { $0.isOpen = true }
    }

    /// Runs jobs until ``close()`` or the task's cancellation, then cancels those that still run and waits for their end.
    public func run() async {
        self.state.withLock { $0.isOpen = true }
        await withDiscardingTaskGroup { group in
            while true {
                for job in self.takePending() {
                    group.addTask {
                        await job()
                        self.state.withLock { $0.running -= 1 }
                    }
                }
                guard await self.wait() else { break }
            }
            group.cancelAll()
        }
    }

    /// Takes no more jobs and cancels those that run.
    public func close() {
        self.state.withLock { state in
            state.isClosed = true
            return state.takeWaker()
        }?.resume()
    }

    private func takePending() -> [Job] {
        self.state.withLock { state in
            defer { state.pending = [] }
            return state.pending
        }
    }

    /// Waits for jobs; `false` when there will be no more.
    private func wait() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waker in
                let isReady = self.state.withLock { state in
                    guard state.pending.isEmpty, !state.isClosed else { return true }
                    state.waker = waker
                    return false
                }
                if isReady { waker.resume() }
            }
        } onCancel: {
            self.close()
        }
        return self.state.withLock { !$0.isClosed || !$0.pending.isEmpty }
    }
}
