public import NeedletailCore
import Synchronization

/// A clock that moves only when somebody sleeps, or is told to.
public final class JumpingTime: Sendable {
    private let nanoseconds: Atomic<Int64>
    private let pauses = Mutex<[Duration]>([])

    /// Creates a clock that starts at zero.
    public init() {
        self.nanoseconds = Atomic(0)
    }

    /// The clock as the code under test sees it.
    public var source: TimeSource {
        TimeSource(
            now: { self.now },
            wallSeconds: { 1_700_000_000 + self.now.nanoseconds / 1_000_000_000 },
            sleep: { until throws(CancellationError) in
                if Task.isCancelled { throw CancellationError() }
                self.sleep(until: until)
                // Sleeping lets others run: loops that only sleep would else take every thread there is.
                await Task.yield()
            }
        )
    }

    /// The time.
    public var now: Instant { Instant(nanoseconds: self.nanoseconds.load(ordering: .sequentiallyConsistent)) }

    /// How long each sleeper slept, in order.
    public var sleeps: [Duration] { self.pauses.withLock { $0 } }

    /// Moves the clock.
    public func advance(by duration: Duration) {
        self.nanoseconds.add(duration.wholeNanoseconds, ordering: .sequentiallyConsistent)
    }

    private func sleep(until: Instant) {
        let pause = max(.zero, until.duration(since: self.now))
        self.pauses.withLock { $0.append(pause) }
        self.advance(by: pause)
    }
}
