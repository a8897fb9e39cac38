import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl

@Suite("Vault: what a configuration asks for", .timeLimit(.minutes(5)))
struct VaultConfigurationTests {
    private static let environment = ["NEEDLETAIL_MASTER_KEY": VaultFixture.first]
    private static let file = """
        listen: { api: "127.0.0.1:0", admin: "127.0.0.1:0" }
        providers:
          main: { type: openai-compatible, base_url: "http://127.0.0.1:9/v1", api_key: { vault: main } }
        """

    private static func load(
        _ fixture: VaultFixture, _ text: String = Self.file, environment: [String: String] = Self.environment
    ) throws(ConfigurationError) -> Configuration {
        guard let path = try? fixture.folder.write("needletail.yaml", text) else {
            throw ConfigurationError(faults: [])
        }
        let loader = ConfigurationLoader(types: .version, environment: environment, time: fixture.time.source)
        return try loader.load(file: path)
    }

    private static func fault(
        _ fixture: VaultFixture, _ text: String = Self.file, environment: [String: String] = Self.environment
    ) -> String {
        do throws(ConfigurationError) {
            _ = try Self.load(fixture, text, environment: environment)
            return ""
        } catch {
            return error.faults.map(\.description).joined(separator: "\n")
        }
    }

    @Test("A provider's key comes from the vault, the one before it behind it, and an old one is warned about")
    func read() throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("sk-1"))
        let configuration = try Self.load(fixture)
        #expect(configuration.provider("main")?.apiKeys == [WeightedSecret(secret: Secret("sk-1"), weight: 1)])
        #expect(configuration.vaultNames == ["main"] && configuration.warnings.isEmpty)
        #expect(configuration.store.path == fixture.path)
        try fixture.vault().rotate("main", Secret("sk-2"), overlap: 60)
        #expect(try Self.load(fixture).provider("main")?.apiKeys.map(\.weight) == [1, 0])
        fixture.time.advance(by: .seconds(91 * 86_400))
        let late = try Self.load(fixture)
        #expect(late.provider("main")?.apiKeys.map(\.secret.exposed) == ["sk-2"])
        #expect(
            late.warnings.map(\.description).joined().contains("91 days ago; rotate it: `needletail vault rotate main`")
        )
        #expect(try Self.load(fixture, Self.file + "\nvault: { warn_after: 200d }").warnings.isEmpty)
    }

    @Test("What cannot be had is a fault with its place, and tells no secret")
    func faults() throws {
        let fixture = try VaultFixture()
        #expect(Self.fault(fixture).contains(":3:89: "))
        #expect(Self.fault(fixture).contains("has no secret 'main'; set it: `needletail vault set main`"))
        try fixture.vault().set("mian", Secret("sk-1"))
        #expect(Self.fault(fixture).contains("did you mean 'mian'?"))
        try fixture.vault().set("main", Secret("sk-1"))
        let wrong = Self.fault(fixture, environment: ["NEEDLETAIL_MASTER_KEY": VaultFixture.second])
        #expect(wrong.contains("sealed with another master key") && !wrong.contains(VaultFixture.second))
        #expect(Self.fault(fixture, environment: [:]).contains("set NEEDLETAIL_MASTER_KEY"))
        #expect(Self.fault(fixture, Self.file + "\nstore: off").contains("keeps no store"))
        #expect(
            Self.fault(fixture, Self.file + "\nvault: { master_key: { env: A, file: b } }").contains(
                "must name one source"))
        #expect(Self.fault(fixture, Self.file + "\nvault: { master_key: abc }").contains("'vault.master_key' is"))
        #expect(!Self.fault(fixture, Self.file + "\nvault: { master_key: { command: [] } }").isEmpty)
    }

    @Test("A provider is shown a credential before it is stored")
    func validation() async throws {
        let server = try await LoopbackServer(on: MultiThreadedEventLoopGroup.singleton) { request in
            request.contains("good")
                ? .init(type: "application/json", #"{"data":[{"id":"m"}]}"#)
                : .init(status: 401, type: "application/json", #"{"error":{"message":"no"}}"#)
        }
        let fixture = try VaultFixture()
        let text = Self.file.replacing("127.0.0.1:9", with: "127.0.0.1:\(server.port)")
        let path = try fixture.folder.write("needletail.yaml", text)
        let made = try SQLiteStore.writable(fixture.folder.path + "/made.db").path
        let attributes = try FileManager.default.attributesOfItem(atPath: made)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "read by its user alone")
        let location = StoreLocation(file: path, environment: Self.environment)
        let (tool, problem) = VaultTool.beside(path, location, fixture.store, environment: Self.environment)
        #expect(problem == nil && location.vaultNames == ["main"])
        await #expect(throws: NeedletailError.self) { try await tool.set("main", Secret("sk-bad")) }
        #expect(try tool.vault.list().isEmpty)
        let done = try await tool.set("main", Secret("sk-good"))
        #expect(done.checks.map(\.verdict) == ["taken"] && done.entry.validated != nil)
        await #expect(throws: NeedletailError.self) {
            try await tool.rotate("main", Secret("sk-bad"), overlap: 60)
        }
        #expect(try tool.vault.values("main").texts == ["sk-good"])
        let forced = try await tool.rotate("main", Secret("sk-bad"), overlap: 60, isValidated: false)
        #expect(forced.checks.isEmpty && forced.entry.validated == nil)
        #expect(try await tool.validate("main").map(\.verdict) == ["refused"])
        #expect(try await tool.set("unused", Secret("sk-x")).checks.isEmpty)
        await server.stop()
    }

    @Test("A gateway that runs follows the vault, and goes on with what it has when it can no longer open it")
    func follows() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("sk-1"))
        let configuration = try Self.load(fixture)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let process = try GatewayProcess(
            configuration, .init(environment: Self.environment, group: .singleton, logger: logger))
        let running = process.running
        try fixture.vault().rotate("main", Secret("sk-2"), overlap: 0)
        #expect(running.refreshSecrets("vault").faults.isEmpty)
        #expect(running.current.configuration.provider("main")?.apiKeys.map(\.secret.exposed) == ["sk-2"])
        _ = try fixture.vault(VaultFixture.second, previous: VaultFixture.first).reseal()
        #expect(running.refreshSecrets("vault").faults.count == 1)
        #expect(running.current.configuration.provider("main")?.apiKeys.map(\.secret.exposed) == ["sk-2"])
        await process.drain()
    }

    @Test("A change is told once")
    func follower() {
        var follower = VaultFollower()
        func record(_ version: Int, _ expires: Int64?) -> SealedSecret {
            SealedSecret(
                name: "a", version: version, keyVersion: 1, wrappedKey: [], sealed: [], created: 0, expires: expires)
        }
        let one = VaultContents(secrets: [record(1, nil)])
        let two = VaultContents(secrets: [record(1, 50), record(2, nil)])
        let steps: [(VaultContents, Int64, Bool)] = [
            (one, 0, false), (one, 1, false), (two, 2, true), (two, 49, false), (two, 50, true), (two, 51, false),
            (VaultContents(), 52, true),
        ]
        for (contents, now, expected) in steps {
            let isNew = follower.hasChanged(contents, now: now)
            #expect(isNew == expected, "\(now)")
        }
    }

    @Test("What could not be used is told again after a few looks, and its faults once")
    func retry() {
        var follower = VaultFollower()
        func contents(_ version: Int) -> VaultContents {
            VaultContents(secrets: [
                SealedSecret(name: "a", version: version, keyVersion: 1, wrappedKey: [], sealed: [], created: 0)
            ])
        }
        func looks() -> [Bool] {
            (0..<VaultFollower.pause).map { _ in follower.hasChanged(contents(2), now: 0) }
        }
        let again = Array(repeating: false, count: VaultFollower.pause - 1) + [true]
        let first = [follower.hasChanged(contents(1), now: 0), follower.hasChanged(contents(2), now: 0)]
        #expect(first == [false, true])
        var news = [follower.isNews(["away"])]
        #expect(looks() == again)
        news.append(follower.isNews(["away"]))
        #expect(looks() == again)
        news.append(follower.isNews(["another"]))
        #expect(looks() == again)
        news.append(follower.isNews([]))
        #expect(looks() == Array(repeating: false, count: VaultFollower.pause), "it serves")
        #expect(news == [true, false, true, true])
    }

    @Test("The admin API says when what was set is stored and does not serve")
    func serving() async throws {
        let fixture = try VaultFixture()
        try fixture.vault().set("main", Secret("sk-1"))
        let configuration = try Self.load(fixture)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let process = try GatewayProcess(
            configuration, .init(environment: Self.environment, group: .singleton, logger: logger))
        let room = try #require(process.rooms.compactMap { $0 as? VaultRoom }.first)
        let route = try #require(room.routes.first { $0.method == .PUT })
        var request = AdminRequest(caller: .local, parameters: ["name": "other"])
        request.body = try JSONDocument(ByteBuffer(string: #"{"value":"sk-2"}"#)).root
        let good = try await route.handler(request)
        #expect(String(buffer: good.body).contains(#""serving":true"#))
        try fixture.vault().delete("main")
        let bad = String(buffer: try await route.handler(request).body)
        #expect(bad.contains(#""version":2"#) && bad.contains(#""serving":false"#))
        #expect(bad.contains(#""faults":["#) && bad.contains("has no secret 'main'"))
        await process.drain()
    }
}
