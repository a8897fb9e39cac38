import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("Batches")
struct BatchTests {
    private static func text(_ result: Result<String, NeedletailError>) -> String {
        switch result {
        case .success(let text): text
        case .failure(let error): "\(error.code)"
        }
    }

    @Test("order is kept, failures are their items' own, and no more run than may", arguments: [1, 2, 5, 100, Int.max])
    func order(concurrency: Int) {
        let executor = VirtualExecutor()
        let time = executor.time
        let load = Mutex((running: 0, most: 0))
        let results = Notes<[String]>()
        let told = Notes<Int>()
        let ending = executor.run {
            let all = await Batch.run(
                Array(0..<20), concurrency: concurrency, onResult: { index, _ in told.add(index) }
            ) { item throws(NeedletailError) -> String in
                load.withLock { load in
                    load.running += 1
                    load.most = max(load.most, load.running)
                }
                // Later items are quicker, so that they end first.
                try? await time.sleep(time.now().advanced(by: .seconds(40 - item)))
                load.withLock { $0.running -= 1 }
                if item % 7 == 3 { throw NeedletailError(.upstreamFailed, "no") }
                return "\(item)"
            }
            results.add(all.map(Self.text))
        }
        #expect(ending == .finished)
        #expect(results.all == [(0..<20).map { $0 % 7 == 3 ? "upstreamFailed" : "\($0)" }])
        #expect(load.withLock { $0.most } == min(20, concurrency))
        #expect(told.all.sorted() == Array(0..<20))
    }

    @Test("a cancelled batch begins nothing more, keeps what is done, and tells of every item")
    func cancelled() {
        let executor = VirtualExecutor()
        let time = executor.time
        let results = Notes<[String]>()
        let (told, begun) = (Notes<Int>(), Notes<Int>())
        let ending = executor.run {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let all = await Batch.run(
                        Array(0..<6), concurrency: 2, onResult: { index, _ in told.add(index) }
                    ) { item throws(NeedletailError) -> String in
                        begun.add(item)
                        do { try await time.sleep(time.now().advanced(by: .seconds(10))) } catch {
                            throw NeedletailError(.cancelled, "cancelled")
                        }
                        return "\(item)"
                    }
                    results.add(all.map(Self.text))
                }
                try? await time.sleep(Instant(nanoseconds: 15_000_000_000))
                group.cancelAll()
            }
        }
        #expect(ending == .finished)
        #expect(results.all == [["0", "1", "cancelled", "cancelled", "cancelled", "cancelled"]])
        #expect(begun.all == [0, 1, 2, 3] && told.all.sorted() == Array(0..<6))
    }

    @Test("nothing is a batch too")
    func empty() async {
        let none = await Batch.run([Int]()) { _ throws(NeedletailError) -> Int in 1 }
        #expect(none.isEmpty)
    }
}
