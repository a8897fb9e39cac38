import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailStore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("The first-run admin key", .timeLimit(.minutes(5)))
struct FirstAdminKeyTests {
    private let folder: TemporaryFolder
    private let time = JumpingTime()
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    init() throws { self.folder = try TemporaryFolder() }

    private func load(_ text: String) throws -> Configuration {
        let path = try self.folder.write("needletail.yaml", "providers: { m: { type: mock } }\n" + text)
        return try ConfigurationLoader(types: .version, environment: ["ADMIN": "an-admin-key-0123456789"]).load(
            file: path)
    }

    /// A start of the gateway.
    private func start(_ configuration: Configuration) throws -> (process: GatewayProcess, shown: [String]) {
        let lines = Mutex<[String]>([])
        var surroundings = GatewayProcess.Surroundings(
            environment: [:], group: .singleton, time: self.time.source, logger: Self.logger)
        let collect: @Sendable (String) -> Void = { line in lines.withLock { $0.append(line) } }
        surroundings.showOnce = collect
        let process = try GatewayProcess(configuration, surroundings)
        return (process, lines.withLock { $0 })
    }

    private func status(
        _ process: GatewayProcess, _ key: String?, _ configuration: AdminConfiguration = AdminConfiguration()
    ) -> String {
        let access = AdminAccess(
            configuration, host: "0.0.0.0", first: process.store.firstAdminKey, time: self.time.source)
        switch access.check(adminHead(.GET, "/admin/v1/whoami", key: key), from: nil) {
        case .known(let caller): return "\(caller.name) \(caller.role)"
        case .refused(let error): return "\(error.status)"
        }
    }

    @Test("it is made at the first start, shown once, and kept as a hash")
    func once() async throws {
        let configuration = try self.load("listen: { admin: '0.0.0.0:0' }")
        #expect(configuration.warnings.contains { "\($0)".contains("the first start makes one") })
        let (first, shown) = try self.start(configuration)
        let line = try #require(shown.first)
        let key = try #require(line.split(separator: " ").last.map(String.init))
        #expect(shown.count == 1 && key.hasPrefix("nt-") && key.utf8.count == 46)
        #expect(self.status(first, key) == "first-run admin")
        #expect(self.status(first, nil) == "401" && self.status(first, key + "x") == "401")
        let file = try #require(first.store.file)
        #expect(try file.states("").values.allSatisfy { !$0.contains(key) })
        await first.drain()
        let (second, more) = try self.start(configuration)
        #expect(more.isEmpty && self.status(second, key) == "first-run admin")
        // Another in its place, made by the command, is followed as changes of keys are.
        let other = try SQLiteStore(path: self.folder.path + "/needletail.db")
        let next = try FirstAdminKey.make(in: other, random: .seeded(7), time: self.time.source)
        try second.store.refreshKeys()
        #expect(self.status(second, key) == "401" && self.status(second, next.exposed) == "first-run admin")
        let configured = try self.load("listen: { admin: '0.0.0.0:0' }\nadmin: { key: { env: ADMIN } }")
        #expect(self.status(second, next.exposed, configured.admin) == "401")
        #expect(self.status(second, "an-admin-key-0123456789", configured.admin) == "admin admin")
        await second.drain()
    }

    @Test("of several gateways that start at once on one store, one makes it")
    func race() async throws {
        let path = self.folder.path + "/race.db"
        let stores = [try SQLiteStore(path: path), try SQLiteStore(path: path)]
        // Both have looked and found none before either writes.
        let made = try await withThrowingTaskGroup(of: Secret?.self) { group in
            for (seed, store) in stores.enumerated() {
                group.addTask { [time = self.time.source] in
                    try FirstAdminKey.makeFirst(in: store, random: .seeded(UInt64(seed)), time: time)
                }
            }
            return try await group.reduce(into: []) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(made.count == 1)
        let secret = try #require(made.first)
        for store in stores {
            let key = FirstAdminKey()
            try key.read(store)
            #expect(key.find(secret.exposed) != nil)
        }
    }

    @Test("none is made where one is configured, or on loopback, which stays open to this machine")
    func unneeded() async throws {
        for text in ["listen: { admin: '0.0.0.0:0' }\nadmin: { key: { env: ADMIN } }\nstore: on", "store: on"] {
            let (process, shown) = try self.start(try self.load(text))
            #expect(shown.isEmpty)
            #expect(try process.store.file?.states("admin/").isEmpty == true)
            await process.drain()
        }
        let access = AdminAccess(AdminConfiguration(), host: "127.0.0.1", time: self.time.source)
        guard case .known(.local) = access.check(adminHead(.GET, "/"), from: nil) else {
            Issue.record("loopback is open")
            return
        }
    }

    @Test("without a store to keep it in, or anybody to show it to, nobody may ask")
    func nowhere() async throws {
        #expect(throws: ConfigurationError.self) { try self.load("listen: { admin: '0.0.0.0:0' }\nstore: off") }
        let configuration = try self.load("listen: { admin: '0.0.0.0:0' }")
        let process = try GatewayProcess(
            configuration, .init(environment: [:], group: .singleton, time: self.time.source, logger: Self.logger))
        #expect(try process.store.file?.states("admin/").isEmpty == true)
        #expect(self.status(process, "nt-anything") == "401" && self.status(process, nil) == "401")
        await process.drain()
    }
}
