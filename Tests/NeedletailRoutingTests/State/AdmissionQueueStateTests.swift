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
    ) throws -> (AdmissionQueueState, [AdmissionQueueState.Ticket: String]) {
        var queue = AdmissionQueueState(capacity: 100)
        var names: [AdmissionQueueState.Ticket: String] = [:]
        for entry in entries {
            let ticket = queue.enter(key: entry.key, priority: entry.priority)
            names[try #require(ticket)] = entry.name
        }
        return (queue, names)
    }

    @Test("keys take turns, however much one of them sends")
    func fair() throws {
        var (queue, names) = try self.queue([
            ("a1", "a", .normal), ("a2", "a", .normal), ("a3", "a", .normal), ("b1", "b", .normal),
            ("c1", "c", .normal),
        ])
        #expect(self.drain(&queue, names) == ["a1", "b1", "c1", "a2", "a3"])
    }

    @Test("a higher priority goes first")
    func priority() throws {
        var (queue, names) = try self.queue([("low", "a", .low), ("normal", "a", .normal), ("high", "b", .high)])
        #expect(queue.count(atLeast: .normal) == 2)
        #expect(self.drain(&queue, names) == ["high", "normal", "low"])
    }

    @Test("who gives up costs its key no turn, and takes nobody else's")
    func leave() throws {
        var (queue, names) = try self.queue([("a1", "a", .normal), ("a2", "a", .normal), ("b1", "b", .normal)])
        let head = try #require(queue.head)
        queue.leave(head, isServed: false)
        queue.leave(head, isServed: false)
        #expect(queue.count == 2)
        #expect(self.drain(&queue, names) == ["a2", "b1"])
    }

    @Test("when it is full, a lower priority gives way, then the key that waits most; never one with as much claim")
    func loser() throws {
        let (queue, names) = try self.queue([
            ("a1", "a", .normal), ("low1", "b", .low), ("low2", "b", .low), ("a2", "a", .normal), ("a3", "a", .normal),
            ("c1", "c", .normal),
        ])
        func name(_ key: String, _ priority: RequestPriority) -> String? {
            AdmissionQueueState.loser(among: [queue], to: key, priority).flatMap { names[$0.ticket] }
        }
        #expect(name("d", .high) == "low2")
        #expect(name("a", .normal) == "low2")
        #expect(name("e", .low) == "low2", "a key that has none waiting takes one of two")
        #expect(name("b", .low) == nil)
        let (equal, own) = try self.queue([
            ("a1", "a", .normal), ("a2", "a", .normal), ("a3", "a", .normal), ("c1", "c", .normal), ("h", "c", .high),
        ])
        func named(_ key: String, _ priority: RequestPriority) -> String? {
            AdmissionQueueState.loser(among: [equal], to: key, priority).flatMap { own[$0.ticket] }
        }
        #expect(named("c", .normal) == "a3")
        #expect(named("a", .normal) == nil)
        #expect(named("c", .low) == nil, "nobody gives way to a lower priority")
        #expect(named("d", .high) == "a3")
    }

    @Test(
        "of several queues with places together, what a key has waiting in all of them counts, and the last to come goes"
    )
    func loserAmong() throws {
        var queues = [AdmissionQueueState(capacity: 9), AdmissionQueueState(capacity: 9)]
        var names: [AdmissionQueueState.Ticket: String] = [:]
        let entries: [(name: String, queue: Int, key: String, priority: RequestPriority)] = [
            ("a1", 0, "a", .low), ("b1", 1, "b", .low), ("a2", 1, "a", .low), ("b2", 1, "b", .low),
            ("a3", 0, "a", .low),
            ("c1", 0, "c", .normal), ("c2", 1, "c", .normal), ("h", 1, "h", .high),
        ]
        for (number, entry) in entries.enumerated() {
            let ticket = queues[entry.queue].enter(key: entry.key, priority: entry.priority, number: UInt64(number + 1))
            names[try #require(ticket)] = entry.name
        }
        func loser(_ key: String, _ priority: RequestPriority) -> String? {
            guard let loser = AdmissionQueueState.loser(among: queues, to: key, priority) else { return nil }
            queues[loser.queue].leave(loser.ticket, isServed: false)
            return names[loser.ticket]
        }
        #expect(loser("b", .low) == nil, "three and two: it would only turn about")
        #expect(loser("d", .low) == "a3")
        #expect(loser("h", .high) == "b2", "of keys that wait alike, the last to come")
        #expect(loser("h", .normal) == "a2")
        #expect([loser("h", .high), loser("h", .high)] == ["b1", "a1"], "all of a lower priority first")
        #expect(loser("c", .normal) == nil && loser("d", .low) == nil)
        #expect(loser("d", .normal) == "c2")
        #expect(loser("h", .high) == "c1")
        #expect(loser("h", .high) == nil)
    }

    @Test(
        "in any order: bounded, nobody lost, and no key waits for more than one turn of each other", arguments: 0..<30)
    func property(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var queue = AdmissionQueueState(capacity: 20)
        var waiting: [AdmissionQueueState.Ticket: String] = [:]
        /// How often others were served since a key that waits was.
        var passed: [String: [String: Int]] = [:]
        for _ in 0..<1_000 {
            switch draw(5) {
            case 0, 1, 2:
                let key = "k\(draw(4))"
                if let ticket = queue.enter(key: key, priority: .normal) {
                    if !waiting.values.contains(key) { passed[key] = [:] }
                    waiting[ticket] = key
                } else {
                    #expect(waiting.count == 20, "seed \(seed)")
                }
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
