import NIOCore
import NeedletailCore
import Synchronization

/// Measures how late event loops come to what is due: what a request waits before anybody looks at it.
final class EventLoopLag: Sendable {
    /// Often enough to see a loop that is stuck for a moment, seldom enough to cost nothing.
    static let interval = Duration.milliseconds(250)

    private let tasks: Mutex<[RepeatedTask]>

    /// Begins to measure every loop of `group`.
    init(_ group: any EventLoopGroup, into histogram: HistogramCell, time: TimeSource) {
        let amount = TimeAmount.nanoseconds(Self.interval.wholeNanoseconds)
        self.tasks = Mutex(
            group.makeIterator().map { loop in
                let last = NIOLoopBoundBox.makeBoxSendingValue(time.now(), eventLoop: loop)
                return loop.scheduleRepeatedTask(initialDelay: amount, delay: amount) { _ in
                    let now = time.now()
                    histogram.record(Self.lag(now.duration(since: last.value)))
                    last.value = now
                }
            })
    }

    /// How late a probe came after the one before.
    static func lag(_ between: Duration) -> Duration {
        max(.zero, between - Self.interval)
    }

    /// Stops.
    func stop() {
        let tasks = self.tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in tasks { task.cancel() }
    }
}
