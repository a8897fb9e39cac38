import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("AdmissionQueue", .timeLimit(.minutes(5)))
struct AdmissionQueueTests {
    /// What became of those who waited, in the order in which they knew.
    private final class Ends: Sendable {
        let names = Mutex<[String]>([])
        func add(_ name: String) { self.names.withLock { $0.append(name) } }
    }

    /// Lets requests wait, in turn, for something that is free after `length`.
    private func run(
        _ queues: [AdmissionQueue], _ requests: [(name: String, queue: Int, key: String, priority: RequestPriority)],
        length: Duration = .seconds(10)
    ) -> [String] {
        let executor = VirtualExecutor()
        let ends = Ends()
        let time = executor.time
        let free = time.now().advanced(by: length)
        let ending = executor.run {
            await withTaskGroup(of: Void.self) { group in
                for (number, request) in requests.enumerated() {
                    group.addTask {
                        try? await time.sleep(Instant(nanoseconds: Int64(number + 1) * 1_000_000))
                        let value = try? await queues[request.queue].wait(
                            key: request.key, priority: request.priority, until: free.advanced(by: .seconds(10)),
                            time: time, register: {},
                            attempt: { () -> AdmissionQueue.Try<Bool> in
                                time.now() >= free ? .admitted(true) : .refused(until: free)
                            })
                        ends.add(request.name + (value == true ? " served" : " refused"))
                    }
                }
            }
        }
        #expect(ending == .finished)
        return ends.names.withLock { $0 }
    }

    @Test("all queues of a group together let no more wait than it has places, and get each back")
    func bounded() {
        let places = WaitingPlaces(2)
        let queues = [AdmissionQueue(places), AdmissionQueue(places)]
        let ends = self.run(queues, [("a", 0, "k", .normal), ("b", 1, "k", .normal), ("c", 0, "k", .normal)])
        #expect(ends.first == "c refused")
        #expect(Set(ends) == ["a served", "b served", "c refused"])
        #expect(places.count == 0 && queues.allSatisfy { $0.count == 0 })
    }

    @Test("who has more claim to the last place takes it, and the other is told at once")
    func displaced() {
        let places = WaitingPlaces(2)
        let queue = AdmissionQueue(places)
        let ends = self.run(
            [queue],
            [
                ("greedy1", 0, "g", .normal), ("greedy2", 0, "g", .normal), ("light", 0, "l", .normal),
                ("vip", 0, "v", .high),
            ])
        #expect(ends == ["greedy2 refused", "light refused", "vip served", "greedy1 served"])
        #expect(places.count == 0)
    }

    @Test("a place is taken from who waits for other targets of the group too, and never from one with as much claim")
    func displacedElsewhere() {
        let places = WaitingPlaces(3)
        let queues = [AdmissionQueue(places), AdmissionQueue(places)]
        let ends = self.run(
            queues,
            [
                ("low1", 0, "a", .low), ("low2", 0, "b", .low), ("normal", 0, "c", .normal), ("high", 1, "d", .high),
                ("low3", 1, "e", .low), ("second", 1, "f", .normal), ("third", 1, "c", .normal),
                ("top", 0, "d", .high),
            ])
        #expect(
            Array(ends.prefix(5)) == [
                "low2 refused", "low3 refused", "low1 refused", "third refused", "second refused",
            ]
        )
        #expect(Set(ends.suffix(3)) == ["high served", "normal served", "top served"])
        #expect(places.count == 0 && queues.allSatisfy { $0.count == 0 })
    }
}
