public import NeedletailCore
import Synchronization

/// Runs the tasks of a simulation on the calling thread, under a clock of its own.
///
/// While a task is runnable, the clock stands still; when none is, it jumps to the next sleeper. So hours take as long
/// as their events do, and one seed gives one order of events: everything that runs here is chosen here. What runs must
/// take time from ``time`` alone and randomness from a seed, and must not wait for anything outside.
public final class VirtualExecutor: TaskExecutor {
    /// Which runnable task comes next.
    public enum Order: Sendable, Hashable {
        /// The one that became runnable first.
        case arrival
        /// Any, by a seed: to find what depends on the order.
        case seeded(UInt64)
    }

    /// How a run ended.
    public enum Ending: Sendable, Hashable {
        /// All tasks did.
        case finished
        /// Some task waits for what nobody will do. It was cancelled.
        case stuck
        /// The limit of steps was reached. The tasks were cancelled.
        case endless
    }

    private struct State {
        var ready: [UnownedJob] = []
        /// What comes before it in `ready` has run.
        var head = 0
        var now = Instant(nanoseconds: 0)
        var timers = TimerQueue()
        var sleepers: [UInt64: CheckedContinuation<Bool, Never>] = [:]
        var serial: UInt64 = 0
        var random: SplitMix?
        var steps = 0
    }

    private let state: Mutex<State>
    private let wallStart: Int64

    /// Creates an executor whose clock stands at zero.
    ///
    /// - Parameter wallStart: What its calendar says then, in seconds since 1970; default is 2023-11-14 22:13:20 UTC.
    public init(order: Order = .arrival, wallStart: Int64 = 1_700_000_000) {
        var state = State()
        if case .seeded(let seed) = order { state.random = SplitMix(seed) }
        self.state = Mutex(state)
        self.wallStart = wallStart
    }

    /// Its clock.
    public var now: Instant { self.state.withLock { $0.now } }

    /// How many jobs have run.
    public var steps: Int { self.state.withLock { $0.steps } }

    /// Its clock, as the code that runs here is given it.
    public var time: TimeSource {
        TimeSource(
            now: { self.now },
            wallSeconds: { self.wallStart + self.now.nanoseconds / 1_000_000_000 },
            sleep: { until throws(CancellationError) in try await self.sleep(until) }
        )
    }

    /// Queues a job. Called by the runtime.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.state.withLock { $0.ready.append(job) }
    }

    /// Runs `body`, and all that it starts and waits for, to the end.
    ///
    /// Called once, from a thread that does nothing else meanwhile.
    ///
    /// - Parameter maximumSteps: How many jobs may run before it counts as endless.
    public func run(maximumSteps: Int = .max, _ body: @escaping @Sendable () async -> Void) -> Ending {
        let isDone = Flag()
        let root = Task(executorPreference: self) {
            await body()
            isDone.set()
        }
        if self.drain(isDone, maximumSteps) { return .finished }
        let ending: Ending = self.steps >= maximumSteps ? .endless : .stuck
        root.cancel()
        _ = self.drain(isDone, self.steps + 1_000_000)
        return ending
    }

    /// Runs jobs until the flag is set and nobody is runnable; false when it cannot come to that.
    private func drain(_ isDone: Flag, _ maximumSteps: Int) -> Bool {
        let executor = unsafe self.asUnownedTaskExecutor()
        while true {
            if let job = self.nextJob() {
                unsafe job.runSynchronously(on: executor)
                guard self.steps < maximumSteps else { return false }
                continue
            }
            if isDone.isSet { return true }
            guard self.wakeNext() else { return false }
        }
    }

    private func nextJob() -> UnownedJob? {
        self.state.withLock { state in
            guard state.head < state.ready.count else {
                state.ready.removeAll(keepingCapacity: true)
                state.head = 0
                return nil
            }
            if let number = state.random?.next() {
                let other = state.head + Int(number % UInt64(state.ready.count - state.head))
                state.ready.swapAt(state.head, other)
            }
            state.steps += 1
            state.head += 1
            let job = state.ready[state.head - 1]
            // What has run is cut off when it is the larger part.
            if state.head > 1_024, state.head > state.ready.count / 2 {
                state.ready.removeFirst(state.head)
                state.head = 0
            }
            return job
        }
    }

    /// Moves the clock to the next sleeper and wakes all of that time.
    private func wakeNext() -> Bool {
        let woken = self.state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            var woken: [CheckedContinuation<Bool, Never>] = []
            while let first = state.timers.first, woken.isEmpty || first.at <= state.now {
                _ = state.timers.popFirst()
                // Who was cancelled is no longer there, and moves no clock.
                guard let sleeper = state.sleepers.removeValue(forKey: first.serial) else { continue }
                state.now = max(state.now, first.at)
                woken.append(sleeper)
            }
            return woken
        }
        for sleeper in woken { sleeper.resume(returning: true) }
        return !woken.isEmpty
    }

    private func sleep(_ until: Instant) async throws(CancellationError) {
        if Task.isCancelled { throw CancellationError() }
        let serial = self.state.withLock { state in
            state.serial += 1
            return state.serial
        }
        let isTime = await withTaskCancellationHandler {
            await withCheckedContinuation { sleeper in
                self.state.withLock { state in
                    state.sleepers[serial] = sleeper
                    state.timers.insert(TimerQueue.Timer(at: max(until, state.now), serial: serial))
                }
                // The handler ran before there was anybody to wake.
                if Task.isCancelled { self.cancel(serial) }
            }
        } onCancel: {
            self.cancel(serial)
        }
        guard isTime else { throw CancellationError() }
    }

    private func cancel(_ serial: UInt64) {
        self.state.withLock { $0.sleepers.removeValue(forKey: serial) }?.resume(returning: false)
    }
}

/// Set once.
private final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { self.value.load(ordering: .acquiring) }

    func set() {
        self.value.store(true, ordering: .releasing)
    }
}
