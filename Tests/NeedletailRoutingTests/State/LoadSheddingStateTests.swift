import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("LoadSheddingState")
struct LoadSheddingStateTests {
    @Test("low gives way first, then normal, and high only when all is full", arguments: [1, 2, 10, 100, 1_000])
    func order(maximum: Int) {
        var state = LoadSheddingState(maximum: maximum)
        var running: [RequestPriority: Int] = [:]
        for priority in [RequestPriority.low, .normal, .high] {
            while state.begin(priority) { running[priority, default: 0] += 1 }
            #expect(state.running == max(1, state.limit(priority)))
        }
        #expect(state.running == maximum)
        #expect(state.limit(.low) <= state.limit(.normal) && state.limit(.normal) <= state.limit(.high))
        for _ in 0..<maximum { state.end() }
        #expect(state.running == 0)
    }
}
