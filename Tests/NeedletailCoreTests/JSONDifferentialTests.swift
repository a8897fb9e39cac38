import Foundation
import NIOCore
import NeedletailCore
import Testing

/// Needletail's parser against Foundation's, over seeded documents and what seeded mutations make of them.
///
/// Known differences, where Foundation is stricter than RFC 8259: it refuses lone surrogates in escapes, and numbers that
/// no `Double` holds; it reads some numbers to the neighbouring `Double`. Where it is laxer: it takes UTF-16 and UTF-32 (found by NUL bytes) and a byte-order mark.
@Suite("JSON against Foundation")
struct JSONDifferentialTests {
    private static func foundation(_ units: [UInt8]) -> Any? {
        try? JSONSerialization.jsonObject(with: Data(units), options: .fragmentsAllowed)
    }

    private static func mayDiffer(_ units: [UInt8]) -> Bool {
        let text = String(decoding: units, as: UTF8.self).lowercased()
        return text.contains("\\ud") || text.contains("e") && text.contains { "0123456789".contains($0) }
            || text.contains("\u{FEFF}") || units.contains(0)
    }

    @Test("accepts what Foundation accepts, and reads the same", arguments: UInt64(0)..<40)
    func documents(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            let value = RandomJSON.random(&generator)
            let text = value.spelled(&generator)
            let root = try JSONDocument(ByteBuffer(string: text)).root
            #expect(RandomJSON(root) == value, "seed \(seed): \(text)")
            let theirs = try #require(Self.foundation(Array(text.utf8)), "seed \(seed): \(text)")
            #expect(Self.same(root, theirs), "seed \(seed): \(text)")
        }
    }

    private static func same(_ view: JSONView, _ theirs: Any) -> Bool {
        switch view.kind {
        case .null: return theirs is NSNull
        case .boolean: return (theirs as? NSNumber)?.boolValue == view.bool
        case .number:
            guard let theirs = theirs as? NSNumber, let ours = view.double else { return false }
            if let int = Int64(view.text.description) { return theirs.int64Value == int }
            return abs(theirs.doubleValue - ours) <= ours.ulp
        case .string: return (theirs as? String).map { Array($0.utf8) } == view.string.map { Array($0.utf8) }
        case .array:
            guard let theirs = theirs as? [Any] else { return false }
            let ours = Array(view.elements)
            return ours.count == theirs.count && zip(ours, theirs).allSatisfy { Self.same($0, $1) }
        case .object:
            guard let theirs = theirs as? [String: Any] else { return false }
            return view.members.allSatisfy { member in theirs[member.key].map { Self.same(member.value, $0) } ?? false }
        }
    }

    @Test("agrees on mutated documents wherever the standard decides", arguments: UInt64(100)..<130)
    func mutations(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var decided = 0
        var refused = 0
        for _ in 0..<150 {
            var units = Array(RandomJSON.random(&generator).spelled(&generator).utf8)
            for _ in 0..<Int.random(in: 1...3, using: &generator) { Self.mutate(&units, &generator) }
            let ours = (try? JSONDocument(ByteBuffer(bytes: units))) != nil
            let theirs = Self.foundation(units) != nil
            if !ours { refused += 1 }
            guard ours != theirs else {
                decided += 1
                continue
            }
            #expect(Self.mayDiffer(units), "seed \(seed), ours \(ours): \(String(decoding: units, as: UTF8.self))")
        }
        #expect(decided > 100 && refused > 20, "seed \(seed)")
    }

    private static func mutate(_ units: inout [UInt8], _ generator: inout SeededGenerator) {
        let alphabet =
            Array("{}[]:,\"\\/u0123456789eE+-. \n\ttrfalsn".utf8) + [0x01, 0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF0]
        let unit = alphabet.randomElement(using: &generator) ?? 0x20
        guard !units.isEmpty else { return units = [unit] }
        let place = Int.random(in: 0..<units.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: units[place] = unit
        case 1: units.insert(unit, at: place)
        case 2: units.remove(at: place)
        default: units.removeSubrange(place...)
        }
    }

    @Test("reads back what the writer wrote, and so does Foundation", arguments: UInt64(200)..<240)
    func roundTrip(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<10 {
            let value = RandomJSON.random(&generator)
            var writer = JSONWriter()
            value.write(&writer)
            let root = try JSONDocument(writer.bytes).root
            #expect(RandomJSON(root) == value, "seed \(seed)")
            #expect(Self.foundation(Array(writer.bytes.readableBytesView)) != nil, "seed \(seed)")
        }
    }
}
