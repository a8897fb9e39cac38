import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

/// What happened, in order.
private final class Log: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { self.lines.withLock { $0 } }

    func add(_ line: String) {
        self.lines.withLock { $0.append(line) }
    }
}

@Suite("Virtual executor")
struct VirtualExecutorTests {
    @Test("the clock jumps to the next sleeper, and an hour takes no time")
    func order() {
        let executor = VirtualExecutor()
        let (time, log) = (executor.time, Log())
        let ending = executor.run {
            await withTaskGroup { group in
                for minutes in [60, 5, 30] {
                    group.addTask {
                        try? await time.sleep(time.now().advanced(by: .seconds(60 * minutes)))
                        log.add("\(minutes) at \(time.now().nanoseconds / 60_000_000_000)")
                    }
                }
            }
        }
        #expect(ending == .finished)
        #expect(log.all == ["5 at 5", "30 at 30", "60 at 60"])
        #expect(time.wallSeconds() == 1_700_003_600)
    }

    @Test("a cancelled sleeper wakes at once, and moves no clock")
    func cancellation() {
        let executor = VirtualExecutor()
        let (time, log) = (executor.time, Log())
        let ending = executor.run {
            await withTaskGroup { group in
                group.addTask {
                    do { try await time.sleep(Instant(nanoseconds: 9_000)) } catch { log.add("cancelled") }
                    // Who is cancelled already does not begin to sleep.
                    do { try await time.sleep(Instant(nanoseconds: 9_000)) } catch { log.add("cancelled again") }
                }
                try? await time.sleep(Instant(nanoseconds: 5_000))
                group.cancelAll()
            }
            log.add("\(time.now().nanoseconds)")
        }
        #expect(ending == .finished)
        #expect(log.all == ["cancelled", "cancelled again", "5000"])
    }

    @Test("a task that waits for what nobody does is found, and cancelled")
    func stuck() {
        let executor = VirtualExecutor()
        let log = Log()
        let ending = executor.run {
            let (stream, continuation) = AsyncStream<Int>.makeStream()
            for await _ in stream {}
            log.add("over")
            _ = continuation
        }
        #expect(ending == .stuck)
        #expect(log.all == ["over"])
    }

    @Test("a task that goes on for ever is found, and cancelled")
    func endless() {
        let executor = VirtualExecutor()
        let time = executor.time
        let ending = executor.run(maximumSteps: 1_000) {
            while (try? await time.sleep(time.now().advanced(by: .seconds(1)))) != nil {}
        }
        #expect(ending == .endless)
        #expect(executor.steps < 1_010)
    }

    @Test("tasks that are runnable at the same time run in an order that only the seed decides")
    func shuffled() {
        func order(_ order: VirtualExecutor.Order) -> [String] {
            let executor = VirtualExecutor(order: order)
            let log = Log()
            let ending = executor.run {
                await withTaskGroup { group in
                    for number in 0..<20 {
                        group.addTask {
                            log.add("\(number)")
                            await Task.yield()
                            log.add("\(number)'")
                        }
                    }
                }
            }
            #expect(ending == .finished)
            return log.all
        }
        #expect(order(.arrival).prefix(20) == (0..<20).map { "\($0)" }[...])
        #expect(order(.seeded(1)) == order(.seeded(1)))
        #expect(order(.seeded(1)) != order(.seeded(2)))
        #expect(order(.seeded(1)).sorted() == order(.arrival).sorted())
    }
}
