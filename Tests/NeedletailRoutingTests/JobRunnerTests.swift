import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("Job runner", .timeLimit(.minutes(15)))
struct JobRunnerTests {
    @Test("jobs are taken only while it runs, and as many at a time as it holds")
    func capacity() async {
        let runner = JobRunner(capacity: 2)
        let gate = Gate()
        #expect(!runner.start {}, "not before it runs")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            let ran = Atomic<Int>(0)
            await eventually { runner.start { ran.add(1, ordering: .relaxed) } }
            await eventually { ran.load(ordering: .relaxed) == 1 }
            var accepted = 0
            await eventually {
                if runner.start({ try? await gate.pass() }) { accepted += 1 }
                return accepted == 2
            }
            #expect(!runner.start {}, "two are under way")
            gate.open()
            await eventually { runner.start {} }
            runner.close()
            await group.waitForAll()
            #expect(!runner.start {}, "not after it was closed")
        }
    }

    @Test("closing cancels what runs, and what was accepted runs all the same", arguments: [true, false])
    func close(_ byCancellation: Bool) async {
        let runner = JobRunner(capacity: 100)
        let gate = Gate()
        let ended = Atomic<Int>(0)
        let cancelled = Atomic<Int>(0)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            var accepted = 0
            await eventually {
                let isAccepted = runner.start {
                    do { try await gate.pass() } catch { cancelled.add(1, ordering: .relaxed) }
                    ended.add(1, ordering: .relaxed)
                }
                if isAccepted { accepted += 1 }
                return accepted == 50
            }
            if byCancellation { group.cancelAll() } else { runner.close() }
            await group.waitForAll()
            #expect(ended.load(ordering: .relaxed) == 50 && cancelled.load(ordering: .relaxed) == 50)
        }
    }
}
