import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("AdmissionQueueState")
struct AdmissionQueueStateTests {
    /// Serves everybody who waits, in order.
    private func drain(_ queue: inout AdmissionQueueState, _ names: [AdmissionQueueState.Ticket: String]) -> [String] {
        var served: [String] = []
        while let head = queue.head {
            served.append(names[head] ?? "?")
            queue.leave(head, isServed: true)
        }
        return served
    }

    private func queue(
        _ entries: [(name: String, key: String, priority: RequestPriority)]
    ) -> (AdmissionQueueState, [AdmissionQueueState.Ticket: String]) {
        var queue = AdmissionQueueState()
        var names: [AdmissionQueueState.Ticket: String] = [:]
        for entry in entries {
            names[queue.enter(key: entry.key, priority: entry.priority)] = entry.name
        }
        return (queue, names)
    }

    @Test("keys take turns, however much one of them sends")
    func fair() {
        var (queue, names) = self.queue([
            ("a1", "a", .normal), ("a2", "a", .normal), ("a3", "a", .normal), ("b1", "b", .normal),
            ("c1", "c", .normal),
        ])
        #expect(self.drain(&queue, names) == ["a1", "b1", "c1", "a2", "a3"])
    }

    @Test("a higher priority goes first")
    func priority() {
        var (queue, names) = self.queue([("low", "a", .low), ("normal", "a", .normal), ("high", "b", .high)])
        #expect(queue.count(atLeast: .normal) == 2)
        #expect(self.drain(&queue, names) == ["high", "normal", "low"])
    }

    @Test("who gives up costs its key no turn, and takes nobody else's")
    func leave() throws {
        var (queue, names) = self.queue([("a1", "a", .normal), ("a2", "a", .normal), ("b1", "b", .normal)])
        let head = try #require(queue.head)
        queue.leave(head, isServed: false)
        queue.leave(head, isServed: false)
        #expect(queue.count == 2)
        #expect(self.drain(&queue, names) == ["a2", "b1"])
    }

    @Test(
        "in any order: nobody lost, and no key waits for more than one turn of each other", arguments: 0..<30)
    func property(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var queue = AdmissionQueueState()
        var waiting: [AdmissionQueueState.Ticket: String] = [:]
        /// How often others were served since a key that waits was.
        var passed: [String: [String: Int]] = [:]
        for _ in 0..<1_000 {
            switch draw(5) {
            case 0, 1, 2:
                let key = "k\(draw(4))"
                guard waiting.count < 20 else { continue }
                if !waiting.values.contains(key) { passed[key] = [:] }
                waiting[queue.enter(key: key, priority: .normal)] = key
            case 3:
                guard let ticket = waiting.keys.sorted(by: { "\($0)" < "\($1)" }).first else { continue }
                queue.leave(ticket, isServed: false)
                waiting[ticket] = nil
            default:
                guard let head = queue.head, let key = waiting[head] else {
                    #expect(waiting.isEmpty, "seed \(seed)")
                    continue
                }
                queue.leave(head, isServed: true)
                waiting[head] = nil
                for other in Set(waiting.values) where other != key {
                    passed[other, default: [:]][key, default: 0] += 1
                    #expect(passed[other, default: [:]][key, default: 0] <= 1, "seed \(seed)")
                }
                passed[key] = [:]
            }
            #expect(queue.count == waiting.count, "seed \(seed)")
        }
    }
}
