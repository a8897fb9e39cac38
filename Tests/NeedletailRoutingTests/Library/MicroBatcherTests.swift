import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Micro-batching")
struct MicroBatcherTests {
    /// A batcher of words in virtual time, what it was asked for, and what its callers got.
    private struct Bench: Sendable {
        let executor: VirtualExecutor
        let runner = JobRunner(capacity: 100)
        let calls = Notes<[String]>()
        let got = Notes<String>()
        let batcher: MicroBatcher<String, String, String>

        init(_ options: MicroBatchOptions = MicroBatchOptions(), order: VirtualExecutor.Order = .arrival) {
            let executor = VirtualExecutor(order: order)
            self.executor = executor
            let (time, calls) = (executor.time, self.calls)
            self.batcher = MicroBatcher(options, runner: self.runner, time: time) {
                key, words throws(NeedletailError) in
                calls.add(words)
                do { try await time.sleep(time.now().advanced(by: .milliseconds(100))) } catch {
                    throw NeedletailError(.cancelled, "cancelled")
                }
                if words.contains("bad") { throw NeedletailError(.invalidRequest, "bad word") }
                if words.contains("down") { throw NeedletailError(.upstreamFailed, "down") }
                if words.contains("few") { return [] }
                return words.map { "\(key)-\($0)" }
            }
        }

        var milliseconds: Int64 { self.executor.now.nanoseconds / 1_000_000 }

        func submit(_ words: [String], key: String = "k") async {
            do {
                let answer = try await self.batcher.submit(words, key: key)
                self.got.add("\(answer.joined(separator: " ")) at \(self.milliseconds)")
            } catch {
                self.got.add("\(words[0]): \(error.code) at \(self.milliseconds)")
            }
        }

        func run(_ body: @escaping @Sendable (inout TaskGroup<Void>) async -> Void) -> VirtualExecutor.Ending {
            self.executor.run {
                await withTaskGroup(of: Void.self) { scope in
                    scope.addTask { await self.runner.run() }
                    while !self.runner.isRunning { await Task.yield() }
                    await withTaskGroup(of: Void.self) { await body(&$0) }
                    self.runner.close()
                }
            }
        }
    }

    @Test("what comes within the window goes together, and each gets its own part, in order")
    func joined() {
        let bench = Bench()
        let ending = bench.run { group in
            group.addTask { await bench.submit(["a", "b"]) }
            group.addTask { await bench.submit(["c"]) }
            group.addTask { await bench.submit(["x"], key: "other") }
            try? await bench.executor.time.sleep(Instant(nanoseconds: 50_000_000))
            group.addTask { await bench.submit(["late"]) }
        }
        #expect(ending == .finished)
        #expect(Set(bench.calls.all) == [["a", "b", "c"], ["x"], ["late"]])
        #expect(
            Set(bench.got.all) == ["k-a k-b at 110", "k-c at 110", "other-x at 110", "k-late at 160"])
        #expect(bench.batcher.held == 0)
    }

    @Test("a full batch goes at once, and one caller's inputs stay together")
    func full() {
        let bench = Bench(MicroBatchOptions(maximumInputs: 3))
        let ending = bench.run { group in
            group.addTask { await bench.submit(["a", "b"]) }
            group.addTask { await bench.submit(["c", "d"]) }
            group.addTask { await bench.submit(["e"]) }
        }
        #expect(ending == .finished)
        #expect(bench.calls.all == [["a", "b", "c", "d"], ["e"]])
        #expect(bench.got.all == ["k-a k-b at 100", "k-c k-d at 100", "k-e at 110"])
    }

    @Test("who leaves harms nobody: before the call it is left out, during it the others get theirs", arguments: 0..<20)
    func cancelled(seed: Int) {
        for leaving in [5, 50] as [Int64] {
            let bench = Bench(order: .seeded(UInt64(seed)))
            let ending = bench.run { group in
                group.addTask {
                    await withTaskGroup(of: Void.self) { inner in
                        inner.addTask { await bench.submit(["gone"]) }
                        try? await bench.executor.time.sleep(Instant(nanoseconds: leaving * 1_000_000))
                        inner.cancelAll()
                    }
                }
                group.addTask { await bench.submit(["stays"]) }
            }
            #expect(ending == .finished)
            #expect(bench.got.all == ["gone: cancelled at \(leaving)", "k-stays at 110"])
            #expect(bench.calls.all.map(Set.init) == [leaving == 5 ? ["stays"] : ["gone", "stays"]])
            #expect(bench.batcher.held == 0)
        }
    }

    @Test("a request that is refused is asked again part by part, so that one's text fails one's call")
    func refused() {
        let bench = Bench()
        let ending = bench.run { group in
            for word in ["a", "bad", "b"] { group.addTask { await bench.submit([word]) } }
        }
        #expect(ending == .finished)
        #expect(bench.calls.all.count == 4)
        #expect(Set(bench.got.all) == ["k-a at 210", "k-b at 210", "bad: invalidRequest at 210"])
    }

    @Test("a provider's failure is everybody's, and is not multiplied")
    func failed() {
        let bench = Bench()
        let ending = bench.run { group in
            for word in ["a", "down"] { group.addTask { await bench.submit([word]) } }
        }
        #expect(ending == .finished)
        #expect(bench.calls.all.count == 1)
        #expect(Set(bench.got.all) == ["a: upstreamFailed at 110", "down: upstreamFailed at 110"])
    }

    @Test("another number of outputs than of inputs is a failure")
    func mismatch() {
        let bench = Bench()
        let ending = bench.run { group in group.addTask { await bench.submit(["few"]) } }
        #expect(ending == .finished)
        #expect(bench.got.all == ["few: malformedReply at 110"])
    }

    @Test("what may wait is bounded; one caller alone may bring more")
    func bounded() {
        let bench = Bench(MicroBatchOptions(maximumHeld: 2))
        let ending = bench.run { group in
            group.addTask { await bench.submit(["a", "b", "c"]) }
            try? await bench.executor.time.sleep(Instant(nanoseconds: 1))
            group.addTask { await bench.submit(["d"]) }
        }
        #expect(ending == .finished)
        #expect(bench.got.all == ["d: unavailable at 0", "k-a k-b k-c at 110"])
    }

    @Test("without a runner each makes its own call")
    func alone() {
        let bench = Bench()
        let ending = bench.executor.run {
            await withTaskGroup(of: Void.self) { group in
                for word in ["a", "b"] { group.addTask { await bench.submit([word]) } }
            }
        }
        #expect(ending == .finished)
        #expect(bench.calls.all.count == 2)
        #expect(Set(bench.got.all) == ["k-a at 100", "k-b at 100"])
    }
}
