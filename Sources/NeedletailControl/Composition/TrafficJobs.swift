import NeedletailRouting

/// Runs copies and shared calls. One for the whole process: what runs outlives a reload, with whatever it was begun under.
public struct TrafficJobs: Sendable {
    /// More jobs than this at a time are not begun: each shadow has a bound of its own far below.
    private static let capacity = 10_000

    /// Runs the copies of shadow traffic.
    let copies = JobRunner(capacity: Self.capacity)
    /// Runs the calls that several requests share.
    let calls = JobRunner(capacity: Self.capacity)

    /// Creates runners that take nothing before ``run()``.
    public init() {}

    /// Whether copies and shared calls are made.
    var isRunning: Bool { self.copies.isRunning && self.calls.isRunning }

    /// Runs what comes, until the task is cancelled.
    public func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.copies.run() }
            group.addTask { await self.calls.run() }
        }
    }
}
