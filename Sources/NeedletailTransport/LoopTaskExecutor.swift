public import NIOCore
import Synchronization

/// Runs the jobs of Swift tasks on one event loop, so that a request never hops threads.
///
/// Jobs wait in a queue of their own and one drain is scheduled on the loop for all that arrive before it runs: what a
/// tick of the loop resumes costs one NIO task, not one per job. The order is kept. Any thread may enqueue.
///
/// The event loop must outlive the tasks: a job enqueued after the loop's shutdown never runs.
public final class LoopTaskExecutor: TaskExecutor {
    /// How many times a drain takes what the jobs before enqueued, until the loop gets its turn for sockets again.
    private static let roundsPerDrain = 16

    private struct Queue {
        var jobs: [UnownedJob] = []
        /// An emptied array whose storage is used again.
        var spare: [UnownedJob] = []
        var hasDrain = false
    }

    private let loop: any EventLoop
    private let queue = Mutex(Queue())

    /// Creates an executor; make one per loop and keep it.
    public init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Queues a job. Called by the runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsDrain = self.queue.withLock { queue in
            queue.jobs.append(job)
            defer { queue.hasDrain = true }
            return !queue.hasDrain
        }
        if needsDrain { self.loop.execute(self.drain) }
    }

    private func drain() {
        let executor = unsafe self.asUnownedTaskExecutor()
        for _ in 0..<Self.roundsPerDrain {
            var jobs = self.queue.withLock { queue -> [UnownedJob] in
                guard !queue.jobs.isEmpty else {
                    queue.hasDrain = false
                    return []
                }
                let jobs = queue.jobs
                queue.jobs = queue.spare
                queue.spare = []
                return jobs
            }
            if jobs.isEmpty { return }
            for job in jobs { unsafe job.runSynchronously(on: executor) }
            jobs.removeAll(keepingCapacity: true)
            self.queue.withLock { queue in
                if queue.spare.capacity == 0 { queue.spare = jobs }
            }
        }
        self.loop.execute(self.drain)
    }
}

/// The executors of a group's loops, found by loop without a lock.
public struct LoopTaskExecutors: Sendable {
    private let executors: [ObjectIdentifier: LoopTaskExecutor]

    /// Creates one executor per loop of `group`.
    public init(group: any EventLoopGroup) {
        var executors: [ObjectIdentifier: LoopTaskExecutor] = [:]
        for loop in group.makeIterator() { executors[ObjectIdentifier(loop)] = LoopTaskExecutor(loop) }
        self.executors = executors
    }

    /// The executor of `loop`; `nil` if the loop is not of the group.
    public subscript(_ loop: any EventLoop) -> LoopTaskExecutor? {
        self.executors[ObjectIdentifier(loop)]
    }
}
