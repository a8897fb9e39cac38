import NeedletailCore
import NeedletailGateway
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Stored keys")
struct KeyToolTests {
    private struct Fixture {
        let folder: TemporaryFolder
        let store: SQLiteStore
        let time = JumpingTime()
        let tool: KeyTool
        let ring: KeyRing

        init() throws {
            self.folder = try TemporaryFolder()
            self.store = try SQLiteStore(path: self.folder.path + "/n.db")
            // Another connection, as the command has: the gateway's sees that somebody else has written.
            let other = try SQLiteStore(path: self.folder.path + "/n.db")
            self.tool = KeyTool(other, time: self.time.source, random: .seeded(3))
            self.ring = try KeyRing(self.store, time: self.time.source)
        }
    }

    @Test("A key is made once, kept as a hash, and opens what it may")
    func create() throws {
        let fixture = try Fixture()
        #expect(fixture.ring.isEmpty)
        let (key, secret) = try fixture.tool.create("dev", tenant: "blue", models: ["gpt-*"])
        #expect(secret.exposed.utf8.count == 46 && secret.exposed.hasPrefix("nt-"))
        #expect(key.prefix == String(secret.exposed.prefix(10)))
        #expect(fixture.ring.find(secret.exposed) == nil)
        try fixture.ring.refresh()
        let access = try #require(fixture.ring.find(secret.exposed))
        #expect(access.name == "dev" && access.tenant == "blue" && access.models == ["gpt-*"])
        #expect(access.secret.isEmpty)
        #expect(fixture.ring.find(secret.exposed + "x") == nil)
        #expect(fixture.ring.find("nt-") == nil)
        #expect(try fixture.store.keys() == [key])
        #expect(!KeyTable.json([key]).contains(secret.exposed))
        #expect(throws: NeedletailError.self) { try fixture.tool.create("dev") }
        #expect(throws: NeedletailError.self) { try fixture.tool.create("no name") }
    }

    @Test("The old key works on for the overlap, and no longer")
    func rotate() throws {
        let fixture = try Fixture()
        let (_, first) = try fixture.tool.create("dev", lifetime: 10_000)
        let (next, second) = try fixture.tool.rotate("dev", overlap: 60)
        try fixture.ring.refresh()
        #expect(first.exposed != second.exposed)
        #expect(fixture.ring.find(first.exposed) != nil && fixture.ring.find(second.exposed) != nil)
        fixture.time.advance(by: .seconds(60))
        #expect(fixture.ring.find(first.exposed) == nil && fixture.ring.find(second.exposed) != nil)
        #expect(next.expires == next.created + 10_000)
        fixture.time.advance(by: .seconds(10_000))
        #expect(fixture.ring.find(second.exposed) == nil)
        #expect(throws: NeedletailError.self) { try fixture.tool.rotate("dev", overlap: 60) }
        #expect(throws: NeedletailError.self) { try fixture.tool.rotate("dve", overlap: 60) }
    }

    @Test("A key that is off opens nothing until it is on again")
    func disable() throws {
        let fixture = try Fixture()
        let (_, secret) = try fixture.tool.create("dev")
        try fixture.tool.setDisabled("dev", true)
        try fixture.ring.refresh()
        #expect(fixture.ring.find(secret.exposed) == nil && !fixture.ring.isEmpty)
        try fixture.tool.setDisabled("dev", false)
        try fixture.ring.refresh()
        #expect(fixture.ring.find(secret.exposed) != nil)
    }

    @Test("Keys differ in all their letters")
    func random() {
        let keys = (0..<200).map { KeySecret.make(.seeded(UInt64($0))).exposed }
        #expect(Set(keys).count == 200)
        for place in 3..<46 { #expect(Set(keys.map { Array($0)[place] }).count > 20) }
    }
}
