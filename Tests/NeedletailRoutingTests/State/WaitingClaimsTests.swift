import NeedletailCore
import Testing

@testable import NeedletailRouting

@Suite("WaitingClaims")
struct WaitingClaimsTests {
    private typealias Ticket = AdmissionQueueState.Ticket

    @Test("when it is full, a lower priority gives way, then the key that waits most; never one with as much claim")
    func loser() throws {
        /// Who gives way to a newcomer, of those who wait.
        func loser(
            _ waiting: [(name: String, key: String, priority: RequestPriority)], _ key: String,
            _ priority: RequestPriority
        ) throws -> String? {
            var claims = WaitingClaims<Int>(capacity: waiting.count)
            var names: [UInt64: String] = [:]
            for one in waiting {
                let taken = claims.take(for: one.key, one.priority, in: 0)
                names[try #require(taken).number] = one.name
            }
            guard let taken = claims.take(for: key, priority, in: 0) else { return nil }
            #expect(claims.count == waiting.count)
            return names[try #require(taken.loser).ticket.number]
        }
        let mixed: [(String, String, RequestPriority)] = [
            ("a1", "a", .normal), ("low1", "b", .low), ("low2", "b", .low), ("a2", "a", .normal), ("a3", "a", .normal),
            ("c1", "c", .normal),
        ]
        #expect(try loser(mixed, "d", .high) == "low2")
        #expect(try loser(mixed, "a", .normal) == "low2")
        #expect(try loser(mixed, "e", .low) == "low2", "a key that has none waiting takes one of two")
        #expect(try loser(mixed, "b", .low) == nil)
        let equal: [(String, String, RequestPriority)] = [
            ("a1", "a", .normal), ("a2", "a", .normal), ("a3", "a", .normal), ("c1", "c", .normal), ("h", "c", .high),
        ]
        #expect(try loser(equal, "c", .normal) == "a3")
        #expect(try loser(equal, "a", .normal) == nil)
        #expect(try loser(equal, "c", .low) == nil, "nobody gives way to a lower priority")
        #expect(try loser(equal, "d", .high) == "a3")
        #expect(try loser([], "d", .high) == nil)
    }

    @Test("what a key has waiting in all queues counts, and the last to come goes, whichever it waits in")
    func queues() throws {
        let waiting: [(name: String, queue: Int, key: String, priority: RequestPriority)] = [
            ("a1", 0, "a", .low), ("b1", 1, "b", .low), ("a2", 1, "a", .low), ("b2", 1, "b", .low),
            ("a3", 0, "a", .low), ("c1", 0, "c", .normal), ("c2", 1, "c", .normal), ("h", 1, "h", .high),
        ]
        var claims = WaitingClaims<Int>(capacity: waiting.count)
        var names: [UInt64: String] = [:]
        for one in waiting {
            let taken = claims.take(for: one.key, one.priority, in: one.queue)
            names[try #require(taken).number] = one.name
        }
        var spare = 0
        func loser(_ key: String, _ priority: RequestPriority) -> String? {
            guard let taken = claims.take(for: key, priority, in: 7), let loser = taken.loser else { return nil }
            // The newcomer leaves, and one that nobody displaces has its place.
            claims.leave(Ticket(number: taken.number, priority: priority, key: key))
            spare += 1
            _ = claims.take(for: "spare\(spare)", .high, in: 7)
            #expect(waiting.contains { $0.name == names[loser.ticket.number] && $0.queue == loser.queue })
            return names[loser.ticket.number]
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

    @Test("in any order it finds the same as looking at everybody does", arguments: 0..<30)
    func property(seed: UInt64) throws {
        let random = RandomSource.seeded(seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var claims = WaitingClaims<Int>(capacity: 24)
        var model: [(ticket: Ticket, queue: Int)] = []
        func count(_ key: String, _ priority: RequestPriority) -> Int {
            model.count { $0.ticket.key == key && $0.ticket.priority == priority }
        }
        /// The place in the model of who gives way.
        func loser(_ key: String, _ priority: RequestPriority) -> Int? {
            for level in RequestPriority.allCases where level <= priority {
                let most = model.indices.filter { model[$0].ticket.priority == level }.max { left, right in
                    let (left, right) = (model[left].ticket, model[right].ticket)
                    return (count(left.key, level), left.number) < (count(right.key, level), right.number)
                }
                guard let most else { continue }
                let enough = level < priority ? 1 : count(key, level) + 2
                return count(model[most].ticket.key, level) >= enough ? most : nil
            }
            return nil
        }
        for step in 0..<600 {
            if draw(4) == 0, !model.isEmpty {
                let one = model.remove(at: draw(model.count))
                let hadPlace = [claims.leave(one.ticket), claims.leave(one.ticket)]
                #expect(hadPlace == [true, false], "seed \(seed), step \(step)")
            } else {
                let key = "k\(draw(6) * draw(3))"
                let priority = RequestPriority.allCases[draw(3)]
                let queue = draw(3)
                let lost = model.count < 24 ? nil : loser(key, priority)
                let taken = claims.take(for: key, priority, in: queue)
                #expect((taken != nil) == (model.count < 24 || lost != nil), "seed \(seed), step \(step)")
                guard let taken else { continue }
                #expect(taken.loser?.ticket == lost.map { model[$0].ticket }, "seed \(seed), step \(step)")
                #expect(taken.loser?.queue == lost.map { model[$0].queue }, "seed \(seed), step \(step)")
                if let lost { model.remove(at: lost) }
                model.append((Ticket(number: taken.number, priority: priority, key: key), queue))
            }
            #expect(claims.count == model.count, "seed \(seed), step \(step)")
        }
    }
}
