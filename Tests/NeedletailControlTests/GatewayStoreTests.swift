import Foundation
import Logging
import NeedletailCore
import NeedletailRouting
import NeedletailStore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailControl

@Suite("The gateway's store at a start")
struct GatewayStoreTests {
    @discardableResult
    private func open(
        _ yaml: String, _ path: String?, time: TimeSource = .live, change: (inout Configuration) -> Void = { _ in }
    ) throws -> GatewayStore {
        let loader = ConfigurationLoader(types: .version, environment: ["K": "sk-1"])
        var configuration = try loader.load(text: "providers: { m: { type: mock } }\n" + yaml, named: "f.yaml")
        configuration.store = StoreConfiguration()
        configuration.store.path = path
        change(&configuration)
        return try GatewayStore(
            configuration, time: time, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test("a file that may hold the only keys and cannot be read ends the start; one beside keys of the file does not")
    func damaged() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("needletail.db", String(repeating: "this is no database. ", count: 400))
        #expect(throws: NeedletailError.self) { try self.open("", file) }
        #expect(throws: Never.self) { try self.open("keys: [{ name: k, key: { env: K } }]\n", file) }
    }

    /// What a call with a key counts under.
    private static func counters(_ store: GatewayStore, _ key: String) -> [String] {
        let call = BudgetedCall(key: key, provider: "p", model: "m")
        return store.budgets.rules.flatMap { rule in rule.subjects(of: call).map { rule.counter($0) } }
    }

    private static let each = "budgets: [{ name: each, each: key, limit: 1.00, per: day }]\n"

    @Test("at no time while keys change is there one that opens something and counts under another's name or no budget")
    func changing() async throws {
        let folder = try TemporaryFolder()
        let clock = JumpingTime()
        // Whoever changes keys asks for the time: then it is looked at what holds.
        let look = Mutex<(@Sendable () -> Void)?>(nil)
        let time = TimeSource(
            now: {
                look.withLock { $0 }?()
                return clock.now
            }, wallSeconds: clock.source.wallSeconds, sleep: clock.source.sleep)
        let store = try self.open(Self.each, folder.path + "/n.db", time: time)
        let (file, ring) = (try #require(store.file), try #require(store.keys))
        let tool = KeyTool(file, time: clock.source, random: .seeded(5))
        let looks = Atomic<Int>(0)
        look.withLock {
            $0 = {
                looks.add(1, ordering: .relaxed)
                for key in ring.known {
                    #expect(Self.counters(store, key.name) == ["each/\(key.account)", "key \(key.account)"])
                }
            }
        }
        var limits = KeyLimits()
        limits.budget = .init(limit: Money(picodollars: 1_000), period: "total")
        for name in ["a", "b"] {
            _ = try tool.create(name, limits: limits)
            try store.refreshKeys(isForced: true)
        }
        try tool.change("a", KeyPatch(try JSONText(#"{"name":"c"}"#).view()), taken: [], groups: [])
        try store.refreshKeys(isForced: true)
        try tool.delete("b")
        try store.refreshKeys(isForced: true)
        #expect(looks.load(ordering: .relaxed) == 8 && ring.known.map(\.name) == ["c"])
        #expect(Self.counters(store, "b") == ["each/b"] && store.budgets.rules.map(\.name) == ["each", "key c"])
        look.withLock { $0 = nil }
        await store.close()
    }

    @Test("a key of the configuration claims its name, but not while it is disabled", arguments: [true, false])
    func disabled(isEnabled: Bool) async throws {
        let folder = try TemporaryFolder()
        let yaml = "keys: [{ name: a, key: { env: K } }]\n" + Self.each
        // A file's disabled keys are not read at all; whoever makes a configuration in Swift has them.
        let store = try self.open(yaml, folder.path + "/n.db") { $0.keys?[0].isEnabled = isEnabled }
        let tool = KeyTool(try #require(store.file), time: .live, random: .seeded(5))
        let (key, _) = try tool.create("a")
        try store.refreshKeys(isForced: true)
        #expect(Self.counters(store, "a") == [isEnabled ? "each/a" : "each/\(key.account)"])
        await store.close()
    }
}
