import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Audit: the chain")
struct AuditChainTests {
    private static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            wallMilliseconds: Int64(number), actor: "ann", role: "admin", peer: "::1", action: "POST /keys",
            subject: "k\(number) \"ü\"", outcome: .done, details: ["b": "2", "a": "1\n"])
    }

    private static let records = AuditChain.records(after: .none, (1...9).map(event))

    private static func faults(_ records: [AuditRecord], head: AuditHead? = nil, anchor: AuditHead? = nil) -> [String] {
        let last = Self.records[8]
        let noted = head ?? AuditHead(sequence: last.sequence, hash: last.hash)
        var anchors = [(head: noted, place: "the store")]
        if let anchor { anchors.append((anchor, "the file")) }
        var verification = AuditVerification(anchors: anchors)
        for record in records { verification.take(record) }
        verification.finish(noted: noted)
        return verification.faults
    }

    @Test("An event is written in one way and read back")
    func text() {
        let event = Self.event(3)
        #expect(
            event.text
                == #"{"at":3,"actor":"ann","role":"admin","peer":"::1","action":"POST /keys","subject":"k3 \"ü\"","outcome":"done","details":{"a":"1\n","b":"2"}}"#
        )
        #expect(AuditEvent(text: event.text) == event)
        #expect(AuditEvent(text: "{}") == nil && AuditEvent(text: "x") == nil)
    }

    @Test("A chain is whole, from the first record on, however it was written")
    func whole() {
        #expect(Self.faults(Self.records).isEmpty)
        let first = AuditChain.records(after: .none, [Self.event(1)])
        let rest = AuditChain.records(
            after: AuditHead(sequence: 1, hash: first[0].hash), (2...9).map { Self.event($0) })
        #expect(first + rest == Self.records)
        // The hash can be had by anybody: `printf %s "$previous$text" | sha256sum`.
        #expect(
            AuditChain.hash(previous: "", text: "abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("Numbers that no gateway gives are told, and end nothing")
    func numbers() {
        let forged = AuditRecord(sequence: -1, text: "{}", previous: "x", hash: "y")
        #expect(Self.faults([forged] + Self.records).first?.hasPrefix("record -1 was not written") == true)
        #expect(AuditChain.records(after: AuditHead(sequence: .max, hash: "z"), [Self.event(1)]).count == 1)
        let last = AuditRecord(sequence: .max, text: "{}", previous: "x", hash: "y")
        #expect(!Self.faults(Self.records + [last, last]).isEmpty)
    }

    @Test("A record that was changed is found, whatever of it was", arguments: 0..<9, 0..<4)
    func changed(_ index: Int, _ way: Int) {
        var records = Self.records
        switch way {
        case 0: records[index].text = records[index].text.replacing("ann", with: "bob")
        case 1: records[index].hash = String(repeating: "a", count: 64)
        case 2: records[index].previous = String(repeating: "a", count: 64)
        default:
            // With the hash made anew: the next record, or the noted end, does not fit any more.
            records[index].text = records[index].text.replacing("ann", with: "bob")
            records[index].hash = AuditChain.hash(previous: records[index].previous, text: records[index].text)
        }
        #expect(!Self.faults(records).isEmpty)
    }

    @Test("A record that was taken out, put in or exchanged is found", arguments: 0..<9)
    func removed(_ index: Int) {
        var records = Self.records
        records.remove(at: index)
        #expect(!Self.faults(records).isEmpty)
        records = Self.records
        records.insert(records[index], at: index)
        #expect(!Self.faults(records).isEmpty)
        records = Self.records
        let other = (index + 1) % 9
        (records[index].text, records[other].text) = (records[other].text, records[index].text)
        #expect(!Self.faults(records).isEmpty)
        records = Self.records
        records.swapAt(index, other)
        #expect(!Self.faults(records).isEmpty)
    }

    @Test("An end that was cut off is found by any note of it, and what goes on from a cut end too", arguments: 0..<9)
    func cut(_ count: Int) {
        let kept = Array(Self.records.prefix(count))
        let last = kept.last.map { AuditHead(sequence: $0.sequence, hash: $0.hash) } ?? .none
        let end = AuditHead(sequence: 9, hash: Self.records[8].hash)
        #expect(!Self.faults(kept).isEmpty)
        #expect(Self.faults(kept, head: last).isEmpty, "with the store's own note changed, too")
        #expect(Self.faults(kept, head: last, anchor: end).joined().contains("the end is missing"))
        let forged = kept + AuditChain.records(after: last, (20...40).map { Self.event($0) })
        let forgedEnd = AuditHead(sequence: Int64(forged.count), hash: forged[forged.count - 1].hash)
        #expect(Self.faults(forged, head: forgedEnd).isEmpty)
        #expect(
            Self.faults(forged, head: forgedEnd, anchor: end).joined().contains("record 9 is another than the file"))
        #expect(Self.faults(Self.records, head: last).joined().contains("not written by a gateway"))
    }

    @Test("Refusals are told once a minute for each kind, counted beyond, and never more than the bound")
    func refusals() {
        var state = RefusalCountState()
        func kind(_ number: Int) -> RefusalCountState.Kind {
            .init(action: "key.refused", actor: "", peer: "10.0.0.\(number)", reason: "unknown")
        }
        let start = Instant(nanoseconds: 0)
        let none = state.take(now: start)
        #expect(none.isEmpty)
        let first = state.add(kind(1))
        #expect(first == kind(1))
        for _ in 0..<99 {
            let again = state.add(kind(1))
            #expect(again == nil)
        }
        var told = 0
        for number in 2...500 where state.add(kind(number)) != nil { told += 1 }
        #expect(told == RefusalCountState.distinct, "those told apart, and one for all others")
        let early = state.take(now: start.advanced(by: .seconds(59)))
        #expect(early.isEmpty)
        let counts = state.take(now: start.advanced(by: .seconds(60)))
        #expect(counts.map(\.count).reduce(0, +) + told + 1 == 100 + 499, "none is lost")
        #expect(counts.first { $0.kind == kind(1) }?.count == 99)
        let next = state.add(kind(1))
        #expect(next == kind(1), "a new minute")
        let last = state.take(now: start.advanced(by: .seconds(61)), isClosing: true)
        #expect(last.isEmpty)
    }
}
