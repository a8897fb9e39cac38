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
        let (key, secret) = try fixture.tool.create("dev", grant: KeyGrant(tenant: "blue", models: ["gpt-*"]))
        #expect(secret.exposed.utf8.count == 46 && secret.exposed.hasPrefix("nt-"))
        #expect(key.prefix == String(secret.exposed.prefix(10)))
        #expect(fixture.ring.find(secret.exposed) == nil)
        try fixture.ring.refresh()
        let access = try #require(fixture.ring.find(secret.exposed))
        #expect(access.name == "dev" && access.grant.tenant == "blue" && access.grant.models == ["gpt-*"])
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

    @Test("What a key opens is kept, whole, and follows it when it is rotated")
    func grants() throws {
        let fixture = try Fixture()
        let grant = try KeyGrant(
            tenant: "blue", team: "red", tags: ["a", "b"], metadata: ["owner": "Ann \"A\" ü", "x": ""],
            models: ["gpt-*", "m/n"], providers: ["p*"], surfaces: ["gemini", "cohere"],
            networks: ["10.0.0.0/8", "2001:db8::/32"])
        _ = try fixture.tool.create("dev", grant: grant)
        let (_, secret) = try fixture.tool.rotate("dev", overlap: 0)
        _ = try fixture.tool.create("none", grant: try KeyGrant(models: ["*"], surfaces: []))
        try fixture.ring.refresh()
        #expect(fixture.ring.find(secret.exposed)?.grant == grant)
        let none = try fixture.store.keys().first { $0.name == "none" }
        #expect(none?.grant.models == nil && none?.grant.surfaces == [] && none?.grant.networks == nil)
        #expect(throws: NeedletailError.self) { try fixture.tool.create("file", taken: ["file"]) }
    }

    @Test(
        "A grant that cannot be meant is refused",
        arguments: [
            { () throws(NeedletailError) in try KeyGrant(tenant: "a b") },
            { () throws(NeedletailError) in try KeyGrant(surfaces: ["opnai"]) },
            { () throws(NeedletailError) in try KeyGrant(networks: ["10.0.0.0/40"]) },
            { () throws(NeedletailError) in try KeyGrant(models: ["a\nb"]) },
            { () throws(NeedletailError) in try KeyGrant(tags: [""]) },
        ] as [@Sendable () throws -> KeyGrant])
    func badGrant(_ make: @Sendable () throws -> KeyGrant) {
        #expect(throws: NeedletailError.self) { try make() }
    }

    @Test("A key ends when it is told to, and is not lengthened")
    func expire() throws {
        let fixture = try Fixture()
        let (_, secret) = try fixture.tool.create("dev", lifetime: 100)
        let now = fixture.time.source.wallSeconds()
        try fixture.tool.expire("dev", at: now + 10)
        try fixture.ring.refresh()
        #expect(fixture.ring.find(secret.exposed) != nil)
        fixture.time.advance(by: .seconds(10))
        #expect(fixture.ring.find(secret.exposed) == nil)
        try fixture.tool.expire("dev", at: now + 1_000)
        try fixture.ring.refresh()
        #expect(fixture.ring.find(secret.exposed) == nil, "what has ended stays so")
        #expect(throws: NeedletailError.self) { try fixture.tool.expire("dve") }
    }

    @Test("Keys differ in all their letters")
    func random() {
        let keys = (0..<200).map { KeySecret.make(.seeded(UInt64($0))).exposed }
        #expect(Set(keys).count == 200)
        for place in 3..<46 { #expect(Set(keys.map { Array($0)[place] }).count > 20) }
    }
}
