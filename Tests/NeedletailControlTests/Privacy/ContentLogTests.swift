import Logging
import NIOCore
import NeedletailCore
import NeedletailStore
import NeedletailTesting
import Testing

@testable import NeedletailControl
@testable import NeedletailRouting

@Suite("What was said: written a batch at a time", .timeLimit(.minutes(5)))
struct ContentLogTests {
    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private static func record(_ number: Int, user: String? = nil) -> ContentRecord {
        var request = InferenceRequest(
            operation: .chat, model: "m", body: .model(ChatRequest(model: "m", messages: [ChatMessage(.user, "hi")])),
            replyDialect: nil)
        request.user = user
        return ContentRecord(info: RequestContext.testing(id: "r\(number)").request, request: request)
    }

    private static func store(_ folder: TemporaryFolder) throws -> GatewayStore {
        let loader = ConfigurationLoader(types: .version, environment: [:])
        var configuration = try loader.load(text: "providers: { m: { type: mock } }\n", named: "f.yaml")
        configuration.store = StoreConfiguration()
        configuration.store.path = folder.path + "/needletail.db"
        return try GatewayStore(configuration, time: JumpingTime().source, logger: Self.logger)
    }

    @Test("a call writes one batch and says whether more waits")
    func batches() throws {
        let folder = try TemporaryFolder()
        let file = try SQLiteStore(path: folder.path + "/needletail.db")
        let log = ContentLog(nil, time: JumpingTime().source, logger: Self.logger)
        #expect(log.waitingBatches == 0)
        #expect(!log.write(to: file))
        let total = 2 * ContentLog.batch + 1
        for number in 0..<total { log.keep(Self.record(number)) }
        #expect(log.waitingBatches == 3)
        #expect(log.write(to: file))
        #expect(log.counts.written == ContentLog.batch && log.waitingBatches == 2)
        #expect(try file.content(of: "r\(ContentLog.batch - 1)") != nil)
        #expect(try file.content(of: "r\(ContentLog.batch)") == nil)
        #expect(log.write(to: file))
        #expect(!log.write(to: file), "the last of it says that nothing waits")
        #expect(log.counts.written == total && log.waitingBatches == 0)
        for number in 0..<ContentLog.batch { log.keep(Self.record(number)) }
        #expect(!log.write(to: file), "a batch that is full may be the last")
    }

    @Test("a flush writes all that waits, and so does the end")
    func flush() async throws {
        let folder = try TemporaryFolder()
        let store = try Self.store(folder)
        let file = try #require(store.file)
        let total = 2 * ContentLog.batch + 1
        for number in 0..<total { store.content.keep(Self.record(number)) }
        try await store.content.flush(store, file)
        #expect(store.content.counts.written == total)
        for number in 0..<total { store.content.keep(Self.record(number)) }
        await store.close()
        #expect(store.content.counts.written == 2 * total && store.content.counts.dropped == 0)
    }
}
