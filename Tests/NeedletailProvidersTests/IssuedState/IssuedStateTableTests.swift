import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

@Suite("The table of who issued what")
struct IssuedStateTableTests {
    private let clock = JumpingTime()

    private func table(count: Int = 1_600, lifetime: Duration = .seconds(60)) -> IssuedStateTable {
        IssuedStateTable(
            limits: .init(count: count, lifetime: lifetime), time: self.clock.source, random: .seeded(7))
    }

    private func now(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// Appendix A of the paper, and the reference implementation's vectors: the key is 00 01 … 0f, the text 00 01 ….
    @Test(
        "The hash is SipHash-2-4",
        arguments: [
            (0, 0x726f_db47_dd0e_0e31 as UInt64), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137),
            (8, 0x93f5_f579_9a93_2462), (15, 0xa129_ca61_49be_45e5),
        ])
    func sipHash(length: Int, digest: UInt64) {
        let hash = SipHash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)
        #expect(hash.hash((0..<length).map { UInt8($0) }) == digest)
    }

    @Test("What was noted is known again, in either alphabet of base64 and with or without its padding")
    func remembers() {
        let table = self.table()
        let (first, second) = (table.join("a"), table.join("b"))
        table.note("ab+/cd==", issuedBy: first)
        table.note("other", issuedBy: second)
        for spelled in ["ab+/cd==", "ab-_cd", "ab+/cd"] { #expect(table.issuer(of: spelled) == first) }
        #expect(table.issuer(of: "other") == second)
        #expect(table.issuer(of: "ab+/ce==") == nil)
        table.note("", issuedBy: first)
        #expect(table.issuer(of: "") == nil)
        table.note("other", issuedBy: first)
        #expect(table.issuer(of: "other") == first)
        #expect(table.count == 2)
    }

    @Test("A name is one realm, and who is alone is so until another joins")
    func realms() {
        let table = self.table()
        let realm = table.join("a")
        #expect(table.join("a") == realm && table.isAlone(realm))
        #expect(table.join("b") != realm && !table.isAlone(realm))
        #expect(self.table().join("a") == realm)
        let other = IssuedStateTable(time: self.clock.source, random: .seeded(8))
        #expect(other.join("a") != realm, "the key is another")
    }

    @Test("Nothing of the content is kept")
    func keepsNoContent() {
        let table = self.table()
        let secret = "c2VjcmV0LXJlYXNvbmluZw"
        table.note(secret, issuedBy: table.join("account with sk-secret"))
        var text = ""
        dump(table, to: &text, maxDepth: 12)
        #expect(text.contains("slots") || text.contains("IssuedStateTable"))
        #expect(!text.contains(secret) && !text.contains("sk-secret"))
        #expect(MemoryLayout<StateRealm>.size == 8, "a realm is a number")
    }

    @Test("The table stays within its bound, spread over its shards")
    func isBounded() {
        let table = self.table(count: 160)
        let realm = table.join("a")
        for number in 0..<1_000 { table.note("state \(number)", issuedBy: realm) }
        #expect(table.count == 160)
        #expect(table.issuer(of: "state 999") == realm)
        #expect((0..<500).count { table.issuer(of: "state \($0)") != nil } < 40)
    }

    @Test("Entries live from their last use")
    func expires() {
        let table = self.table()
        let realm = table.join("a")
        table.note("used", issuedBy: realm)
        table.note("idle", issuedBy: realm)
        self.clock.advance(by: .seconds(40))
        #expect(table.issuer(of: "used") == realm)
        self.clock.advance(by: .seconds(40))
        #expect(table.issuer(of: "used") == realm)
        #expect(table.issuer(of: "idle") == nil)
    }

    @Test("What is used makes no room for what is new while there is what is not")
    func clockAlgorithm() {
        var shard = IssuedStateShard(capacity: 3, lifetime: .seconds(100))
        let realm = StateRealm(number: 1)
        for digest: UInt64 in 1...3 { shard.insert(digest, realm, now: self.now(0)) }
        #expect(shard.find(1, now: self.now(1)) == realm)
        shard.insert(4, realm, now: self.now(2))
        shard.insert(5, realm, now: self.now(3))
        #expect(shard.count == 3)
        #expect([1, 2, 3, 4, 5].map { shard.find($0, now: self.now(4)) != nil } == [true, false, false, true, true])
        // All are used now; the hand takes their marks away and stops where it began.
        shard.insert(6, realm, now: self.now(5))
        #expect(shard.count == 3 && shard.find(6, now: self.now(6)) == realm)
        // What is over makes room, used or not.
        shard.insert(7, realm, now: self.now(200))
        #expect(shard.find(7, now: self.now(201)) == realm)
    }

    @Test("Many threads note and ask at once")
    func isShared() async {
        let table = self.table(count: 100_000)
        let realms = (0..<4).map { table.join("realm \($0)") }
        await withTaskGroup(of: Int.self) { group in
            for number in 0..<4 {
                group.addTask {
                    var found = 0
                    for index in 0..<2_000 {
                        let state = "state \(number) \(index)"
                        table.note(state, issuedBy: realms[number])
                        if table.issuer(of: state) == realms[number] { found += 1 }
                    }
                    return found
                }
            }
            for await found in group { #expect(found == 2_000) }
        }
        #expect(table.count == 8_000)
    }
}
