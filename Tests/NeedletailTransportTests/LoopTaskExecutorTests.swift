import NIOCore
import NIOPosix
import NeedletailTransport
import Testing

@Suite("LoopTaskExecutor", .timeLimit(.minutes(15)))
struct LoopTaskExecutorTests {
    @Test("A task runs on its loop, before and after suspending")
    func staysOnLoop() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let executors = LoopTaskExecutors(group: group)
        for loop in group.makeIterator() {
            let executor = try #require(executors[loop])
            let stays = await withTaskExecutorPreference(executor) {
                var stays = loop.inEventLoop
                for _ in 0..<100 {
                    await Task.yield()
                    stays = stays && loop.inEventLoop
                }
                // A future of another loop completes there; the task still comes back.
                _ = try? await group.next().submit { 1 }.get()
                return stays && loop.inEventLoop
            }
            #expect(stays)
        }
    }

    @Test("Tasks that only yield leave the loop its turn")
    func fairness() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let executor = LoopTaskExecutor(loop)
        let fired = Signal()
        let spinner = Task(executorPreference: executor) {
            while !Task.isCancelled { await Task.yield() }
        }
        loop.scheduleTask(in: .milliseconds(1)) { fired.fire() }
        await fired.wait()
        spinner.cancel()
        await spinner.value
    }
}
