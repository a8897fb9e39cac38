public import NeedletailRouting

/// Runs what must not end with the request that asked for it (shared calls, copies, joined embeddings), for an application
/// that has no scope of its own to run a ``JobRunner`` in.
///
/// Whoever makes it closes it: ``close()`` cancels what runs and waits for its end.
public final class BackgroundJobs: Sendable {
    /// Takes the jobs.
    public let runner: JobRunner
    private let task: Task<Void, Never>

    /// Begins to take jobs.
    ///
    /// - Parameter capacity: The most jobs at a time. Default 1,000.
    public init(capacity: Int = 1_000) {
        let runner = JobRunner(capacity: capacity)
        runner.open()
        self.runner = runner
        self.task = Task { await runner.run() }
    }

    deinit {
        self.runner.close()
    }

    /// Takes no more jobs, cancels those that run and waits for their end. May be called twice.
    public func close() async {
        self.runner.close()
        await self.task.value
    }
}
