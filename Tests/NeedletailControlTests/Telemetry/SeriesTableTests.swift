import Synchronization
import Testing

@testable import NeedletailControl

@Suite("Metrics: labels are bounded")
struct SeriesTableTests {
    private struct Name: SeriesKey {
        var kind: Int
        var name: String
        var folded: Self { Self(kind: self.kind, name: "other") }
    }

    private final class Value: Sendable {
        let key: Name
        init(_ key: Name) { self.key = key }
    }

    @Test("a key has one value, and keys beyond the bound share one of their kind", arguments: [1, 7, 100])
    func bound(capacity: Int) {
        let table = SeriesTable<Name, Value>(capacity: capacity) { Value($0) }
        let known = (0..<capacity).map { table.value(Name(kind: 0, name: "m\($0)")) }
        for index in 0..<capacity { #expect(table.value(Name(kind: 0, name: "m\(index)")) === known[index]) }
        let other = table.value(Name(kind: 0, name: "one too many"))
        #expect(other.key.name == "other")
        #expect(table.value(Name(kind: 0, name: "and another")) === other)
        for kind in 0..<(10 * capacity) {
            #expect(table.value(Name(kind: kind, name: "x")).key == Name(kind: kind, name: "other"))
        }
        #expect(table.size == 2 * capacity || table.size == 2 * max(1, capacity))
    }

    @Test(
        "a table in another's place keeps what that one told apart, and tells more apart only where it has room",
        arguments: [(4, 8), (8, 4), (5, 5), (100, 1)])
    func keeps(before: Int, after: Int) {
        let old = SeriesTable<Name, Value>(capacity: before) { Value($0) }
        let known = (0..<before).map { old.value(Name(kind: 0, name: "m\($0)")) }
        let other = old.value(Name(kind: 0, name: "one too many"))
        let new = SeriesTable<Name, Value>(capacity: after, keeping: old) { Value($0) }
        for index in 0..<before { #expect(new.value(Name(kind: 0, name: "m\(index)")) === known[index]) }
        #expect(new.value(Name(kind: 0, name: "other")) === other)
        let next = new.value(Name(kind: 0, name: "one too many"))
        #expect(after > before + 1 ? next.key.name == "one too many" : next === other)
    }

    @Test("all threads see the same value of a key")
    func parallel() async {
        let table = SeriesTable<Name, Value>(capacity: 64) { Value($0) }
        let found = await withTaskGroup(of: [ObjectIdentifier].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<64).map { ObjectIdentifier(table.value(Name(kind: 0, name: "m\($0)"))) } }
            }
            var all: Set<[ObjectIdentifier]> = []
            for await identities in group { all.insert(identities) }
            return all
        }
        #expect(found.count == 1)
        #expect(table.size == 64)
    }
}
