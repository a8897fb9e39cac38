import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// A second level that keeps everything in a list.
private final class ListArchive: ReplyArchive {
    struct State {
        var replies: [[UInt8]: CachedReply] = [:]
        var asked = 0
    }

    let state = Mutex(State())
    /// Called between the look and its answer.
    let meanwhile = Mutex<@Sendable () -> Void>({})

    static func digest(_ question: ArchivedQuestion) -> [UInt8] {
        question.digest { Array($0.readableBytesView) }
    }

    func find(_ question: ArchivedQuestion) async -> CachedReply? {
        let digest = Self.digest(question)
        let reply = self.state.withLock { state in
            state.asked += 1
            return state.replies[digest]
        }
        self.meanwhile.withLock { $0 }()
        return reply
    }

    func keep(_ reply: CachedReply, for question: ArchivedQuestion) {
        let digest = Self.digest(question)
        self.state.withLock { $0.replies[digest] = reply }
    }

    var asked: Int { self.state.withLock { $0.asked } }
    var count: Int { self.state.withLock { $0.replies.count } }
}

private struct PlainCodec: CacheCodec {
    func content(of request: InferenceRequest) -> CacheContent? {
        guard case .wire(let body, _) = request.body else { return nil }
        return .other(body.dialect, body.bytes)
    }

    func replay(
        _ reply: CachedReply, of content: CacheContent, for request: InferenceRequest, id: String
    ) -> CacheReplay? {
        CacheReplay(body: WireBody(dialect: reply.dialect, bytes: reply.bytes))
    }

    func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool { true }
}

@Suite("The reply cache: its second level")
struct ReplyArchiveTests {
    private let clock = JumpingTime()
    private let archive = ListArchive()

    /// A cache as after a start: nothing in memory.
    private func layer(_ upstream: ScriptedProvider) -> CacheLayer {
        CacheLayer(
            upstream, cache: ResponseCache(archive: self.archive, time: self.clock.source), codec: PlainCodec())
    }

    private func ask(
        _ layer: CacheLayer, key: String? = "a", tenant: String? = nil, policy: CachePolicy = .normal
    ) async throws -> (text: String, status: CacheStatus?) {
        let request = InferenceRequest(
            operation: .chat, model: "m",
            body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "hello")), BodyLandmarks()),
            replyDialect: .openAIChat)
        let context = RequestContext(
            RequestInfo(
                id: "r", keyName: key, tenant: tenant, cachePolicy: policy,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
        let reply = try await layer.respond(to: request, context: context)
        guard case .complete(let body, _) = reply.body else { throw CancellationError() }
        return (String(buffer: body.bytes), reply.cacheStatus)
    }

    @Test("what was kept before a start is given after it, with its age, and is then in memory")
    func restart() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        #expect(try await self.ask(self.layer(upstream)) == ("one", .miss))
        self.clock.advance(by: .seconds(7))
        let after = self.layer(upstream)
        #expect(try await self.ask(after) == ("one", .hit(age: 7)))
        let asked = self.archive.asked
        self.clock.advance(by: .seconds(2))
        #expect(try await self.ask(after) == ("one", .hit(age: 9)))
        #expect(self.archive.asked == asked && upstream.callCount == 1)
        // In memory too it is kept for what is left of its time only.
        self.clock.advance(by: .seconds(291))
        #expect(try await self.ask(after) == ("two", .miss))
    }

    @Test("a reply whose time is over is none")
    func lifetime() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        _ = try await self.ask(self.layer(upstream))
        self.clock.advance(by: .seconds(300))
        #expect(try await self.ask(self.layer(upstream)) == ("two", .miss))
    }

    @Test("another tenant or key is a miss", arguments: [("a", "t"), ("b", nil), (nil, nil)] as [(String?, String?)])
    func isolation(_ key: String?, _ tenant: String?) async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        _ = try await self.ask(self.layer(upstream))
        #expect(try await self.ask(self.layer(upstream), key: key, tenant: tenant) == ("two", .miss))
    }

    @Test("no-store neither looks nor keeps")
    func noStore() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        #expect(try await self.ask(self.layer(upstream), policy: .noStore) == ("one", .bypass))
        #expect(self.archive.count == 0 && self.archive.asked == 0)
    }

    @Test("what is forgotten while it is read neither answers nor comes back")
    func forgotten() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        _ = try await self.ask(self.layer(upstream))
        let cache = ResponseCache(archive: self.archive, time: self.clock.source)
        let layer = CacheLayer(upstream, cache: cache, codec: PlainCodec())
        self.archive.meanwhile.withLock { $0 = { cache.purge() } }
        #expect(try await self.ask(layer) == ("two", .miss))
        #expect(try await self.ask(layer) == ("two", .hit(age: 0)))
    }

    @Test("an error is not kept")
    func failure() async throws {
        let layer = self.layer(ScriptedProvider("up", [.failure(NeedletailError(.unavailable, "no"))]))
        await #expect(throws: NeedletailError.self) { _ = try await self.ask(layer) }
        #expect(self.archive.count == 0)
    }
}
