import Foundation
import Logging
import NIOCore
import NIOPosix
import NeedletailCore
import NeedletailGateway
import NeedletailProviders
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl
@testable import NeedletailRouting

/// The reply cache's part in the store, as the composition puts it together.
@Suite("The reply cache in the store", .timeLimit(.minutes(5)))
struct CachedReplyStoreTests {
    private let folder: TemporaryFolder
    private let clock = JumpingTime()
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    /// The clock of the store, whose waits end with an answer and not by time.
    private var time: TimeSource {
        var time = self.clock.source
        time.sleep = { _ throws(CancellationError) in
            do { try await Task.sleep(for: .seconds(3_600)) } catch { throw CancellationError() }
        }
        return time
    }

    init() throws { self.folder = try TemporaryFolder() }

    private func configuration(_ cache: String, model: String = "one") throws -> Configuration {
        let path = try self.folder.write(
            "needletail.yaml",
            """
            providers: { m: { type: mock, delay: 0s } }
            models: { chat: { targets: [m/\(model)] } }
            cache: \(cache)
            """)
        return try ConfigurationLoader(types: .version, environment: [:]).load(file: path)
    }

    private static let on = "{ ttl: 5m, persist: true }"

    /// What a start makes.
    private struct Gateway {
        let store: GatewayStore
        let stack: GatewayStack
        var replies: CachedReplyStore { get throws { try #require(self.store.replies) } }
        var file: SQLiteStore { get throws { try #require(self.store.file) } }

        func write() throws {
            while try self.replies.write(to: self.file) {}
        }
    }

    private func start(_ configuration: Configuration) throws -> Gateway {
        let store = try GatewayStore(configuration, time: self.time, logger: Self.logger)
        let stack = try GatewayStack(
            configuration, environment: [:], group: .singletonMultiThreadedEventLoopGroup, time: self.clock.source,
            random: .seeded(1), logger: Self.logger, archive: store.replies?.archive(for: configuration))
        return Gateway(store: store, stack: stack)
    }

    private func ask(
        _ gateway: Gateway, _ text: String = "hi", tenant: String? = "t", user: String = "u"
    ) async throws -> CacheStatus? {
        let body = #"{"model":"chat","messages":[{"role":"user","content":"\#(text)"}],"user":"\#(user)"}"#
        let reply = try await gateway.stack.provider.respond(
            to: try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat),
            context: .testing(keyName: "k", tenant: tenant))
        return reply.cacheStatus
    }

    @Test("a reply survives a restart; another tenant, another configuration and a reply too old are misses")
    func restart() async throws {
        let configuration = try self.configuration(Self.on)
        let first = try self.start(configuration)
        #expect(try await self.ask(first) == .miss)
        await first.store.close()

        let second = try self.start(try self.configuration(Self.on))
        self.clock.advance(by: .seconds(100))
        #expect(try await self.ask(second, tenant: "other") == .miss)
        #expect(try await self.ask(second) == .hit(age: 100))
        #expect(try second.replies.counts.hits == 1)
        #expect(try second.replies.counts.misses == 1)
        await second.store.close()

        let elsewhere = try self.start(try self.configuration(Self.on, model: "two"))
        #expect(try await self.ask(elsewhere) == .miss)
        await elsewhere.store.close()

        self.clock.advance(by: .seconds(200))
        let late = try self.start(configuration)
        #expect(try await self.ask(late) == .miss)
        await late.store.close()
    }

    private static let provider =
        "type: openai, base_url: 'https://a.example/v1', api_key: one, headers: { OpenAI-Organization: o, Authorization: x }"

    @Test(
        "exchanged credentials of a provider leave what was kept; whom it asks does not",
        arguments: [
            ("api_key: one", "api_key: two", true), ("api_key: one", "api_keys: [{ key: one }, { key: two }]", true),
            ("Authorization: x", "Authorization: y", true), ("Authorization: x", "x-api-key: y", true),
            // What ends like a credential may choose an account.
            ("Authorization: x", "x-account-token: y", false), ("OpenAI-Organization: o", "x-account-key: o", false),
            ("a.example", "b.example", false), ("OpenAI-Organization: o", "OpenAI-Organization: p", false),
            ("OpenAI-Organization: o", "X-Tokens: o", false), ("openai", "together", false),
            (
                Self.provider,
                "type: bedrock, settings: { region: eu-west-1, access_key_id: a, secret_access_key: b, session_token: c }",
                false
            ),
        ])
    func credentials(_ old: String, _ new: String, _ isKept: Bool) throws {
        let other = Self.provider.replacing(old, with: new)
        #expect(other != Self.provider)
        let isEqual = try Self.fingerprint(Self.provider) == Self.fingerprint(other)
        #expect(isEqual == isKept)
    }

    @Test(
        "a header that may choose an account counts by its value, which cannot be read from what is kept",
        arguments: ["x-account-key", "Helicone-Auth", "cf-aig-authorization", "x-tenant-token", "x-shared-secret"])
    func accounts(_ name: String) throws {
        let secret = "marker-4f1c77"
        let (one, two) = (Self.provider.replacing("Authorization: x", with: "\(name): \(secret)"), "marker-4f1c78")
        let kept = try Self.fingerprint(one)
        #expect(try kept == Self.fingerprint(one))
        #expect(try kept != Self.fingerprint(one.replacing(secret, with: two)))
        #expect(!String(decoding: kept, as: UTF8.self).contains(secret) && kept.count == 32)
    }

    @Test(
        "what proves who asks is not in it where it stands in settings",
        arguments: [
            ("access_key_id: a", true), ("secret_access_key: b", true), ("session_token: c", true),
            ("region: eu-west-1", false),
        ])
    func settings(_ setting: String, _ isKept: Bool) throws {
        let provider =
            "type: bedrock, settings: { region: eu-west-1, access_key_id: a, secret_access_key: b, session_token: c }"
        let other = provider.replacing(setting, with: setting + "-other")
        let isEqual = try Self.fingerprint(provider) == Self.fingerprint(other)
        #expect(isEqual == isKept)
    }

    private static func fingerprint(_ provider: String) throws -> [UInt8] {
        let text = "providers: { p: { \(provider) } }\n"
        let configuration = try ConfigurationLoader(types: .version, environment: [:]).load(text: text, named: "f.yaml")
        return Fingerprint(of: configuration.providers.map(\.withoutCredentials)).bytes
    }

    @Test("a purge and an erasure reach what is written and what waits to be")
    func forgetting() async throws {
        let gateway = try self.start(try self.configuration(Self.on))
        for text in ["a", "b"] { _ = try await self.ask(gateway, text) }
        try gateway.write()
        for text in ["c", "d"] { _ = try await self.ask(gateway, text, tenant: "other", user: "v") }
        #expect(try gateway.file.replyCount().count == 2)
        let store = gateway.store
        #expect(try await gateway.replies.purge("tenant other", model: nil, in: store) == 0)
        try gateway.write()
        #expect(try gateway.file.replyCount().count == 2, "what waited is not written after a purge")
        #expect(try await gateway.replies.purge("tenant t", model: "else", in: store) == 0)
        let erasure = try gateway.file.erase(user: "u", tenant: "t", pseudonym: "erased-1")
        #expect(erasure.replies == 2 && erasure.contents == 0)
        #expect(try gateway.file.replyCount().count == 0)
        _ = try await self.ask(gateway, "e", user: "v")
        try gateway.replies.eraseWaiting(user: "v", tenant: nil)
        try gateway.write()
        #expect(try gateway.file.replyCount().count == 0)
        _ = try await self.ask(gateway, "f")
        try gateway.write()
        #expect(try await gateway.replies.purge("", model: "chat", in: store) == 1)
        await store.close()
    }

    @Test("within its bound of bytes those kept longest go first")
    func bound() async throws {
        let gateway = try self.start(try self.configuration("{ persist: { max_size: 4KiB } }"))
        for number in 0..<20 {
            _ = try await self.ask(gateway, "question \(number)")
            try gateway.write()
        }
        let kept = try gateway.file.replyCount()
        #expect(kept.size <= 4 << 10 && kept.count > 0)
        let counts = try gateway.replies.counts
        #expect(counts.written == 20 && counts.evicted == 20 - kept.count && counts.bytes == kept.size)
        await gateway.store.close()
        let after = try self.start(try self.configuration("{ persist: { max_size: 4KiB } }"))
        #expect(try await self.ask(after, "question 19") == .hit(age: 0))
        #expect(try await self.ask(after, "question 0") == .miss)
        await after.store.close()
    }

    @Test("a damaged file is a miss and a number, and no failure")
    func damaged() async throws {
        let gateway = try self.start(try self.configuration(Self.on))
        _ = try await self.ask(gateway)
        try gateway.write()
        let broken = CachedReplyStore(
            try self.folder.write("broken.db", String(repeating: "this is no database. ", count: 400)),
            try self.configuration(Self.on), time: self.time, logger: Self.logger)
        let configuration = try self.configuration(Self.on)
        let stack = try GatewayStack(
            configuration, environment: [:], group: .singletonMultiThreadedEventLoopGroup, time: self.clock.source,
            random: .seeded(1), logger: Self.logger, archive: broken.archive(for: configuration))
        #expect(try await self.ask(Gateway(store: gateway.store, stack: stack)) == .miss)
        #expect(broken.counts.failed == 1)
        await broken.close()
        await gateway.store.close()
    }

    @Test("who waits longer than the operator says has a miss")
    func late() async throws {
        let lookup = ReplyLookup()
        let answer = await lookup.value(until: self.clock.now.advanced(by: .seconds(1)), self.clock.source)
        guard case .late = answer else {
            Issue.record("\(answer)")
            return
        }
        lookup.answer(.absent)
    }

    @Test("without `persist` nothing is kept, and what was kept goes")
    func off() async throws {
        let gateway = try self.start(try self.configuration(Self.on))
        _ = try await self.ask(gateway)
        try gateway.write()
        #expect(try gateway.file.replyCount().count == 1)
        let configuration = try self.configuration("true")
        try gateway.replies.replace(configuration)
        #expect(try gateway.replies.archive(for: configuration) == nil)
        try await gateway.replies.sweep(gateway.store, gateway.file)
        #expect(try gateway.file.replyCount().count == 0)
        await gateway.store.close()
    }

    @Test("what waits when it is switched off is not written, and is counted")
    func offWhileWaiting() async throws {
        let gateway = try self.start(try self.configuration(Self.on))
        _ = try await self.ask(gateway)
        try gateway.replies.replace(try self.configuration("true"))
        try gateway.write()
        #expect(try gateway.file.replyCount().count == 0)
        #expect(try gateway.replies.counts.dropped == 1)
        await gateway.store.close()
    }

    @Test("there must be a store")
    func noStore() throws {
        let text = "providers: { m: { type: mock } }\nstore: off\ncache: { persist: true }\n"
        #expect(throws: ConfigurationError.self) {
            try ConfigurationLoader(types: .version, environment: [:]).load(text: text, named: "f.yaml")
        }
    }
}
