import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

/// Compares bytes, replays bytes.
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

    func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool { String(buffer: stream).hasSuffix("end") }
}

@Suite("The reply cache: the layer")
struct CacheLayerTests {
    private let clock = JumpingTime()

    private func layer(_ upstream: ScriptedProvider, _ cache: ResponseCache?) -> CacheLayer {
        CacheLayer(upstream, cache: cache, codec: PlainCodec())
    }

    private func cache(_ options: ResponseCache.Options = .init()) -> ResponseCache {
        ResponseCache(options, time: self.clock.source)
    }

    private static func request(_ text: String = "hello", stream: Bool = false) -> InferenceRequest {
        InferenceRequest(
            operation: .chat, model: "m", isStreaming: stream,
            body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: text)), BodyLandmarks()),
            replyDialect: .openAIChat)
    }

    private static func context(
        key: String? = nil, tenant: String? = nil, models: [String]? = nil, headers: HTTPFields = [:],
        strict: Bool = false, policy: CachePolicy = .normal
    ) -> RequestContext {
        RequestContext(
            RequestInfo(
                id: "r", forwardedHeaders: headers, isStrict: strict, keyName: key, tenant: tenant,
                allowedModels: models, cachePolicy: policy,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
    }

    private func ask(
        _ layer: CacheLayer, _ request: InferenceRequest = Self.request(),
        _ context: RequestContext = Self.context()
    ) async throws -> (text: String, status: CacheStatus?) {
        let reply = try await layer.respond(to: request, context: context)
        switch reply.body {
        case .complete(let body, _): return (String(buffer: body.bytes), reply.cacheStatus)
        case .stream(let stream):
            var text = ""
            for try await chunk in stream { text += String(buffer: chunk) }
            return (text, reply.cacheStatus)
        }
    }

    @Test("an equal request is answered from the cache, with its age, and nobody is asked")
    func hit() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two")])
        let cache = self.cache()
        let layer = self.layer(upstream, cache)
        #expect(try await self.ask(layer) == ("one", .miss))
        self.clock.advance(by: .seconds(7))
        #expect(try await self.ask(layer) == ("one", .hit(age: 7)))
        #expect(try await self.ask(layer, Self.request("other")) == ("two", .miss))
        #expect(upstream.callCount == 2)
        let statistics = cache.statistics()
        #expect(statistics.hits == 1)
        #expect(statistics.misses == 2)
        #expect(statistics.entries == 2)
    }

    @Test("a hit has spent nothing")
    func usage() async throws {
        let layer = self.layer(ScriptedProvider("up", [.reply("one")]), self.cache())
        _ = try await self.ask(layer)
        let reply = try await layer.respond(to: Self.request(), context: Self.context())
        guard case .complete(_, let usage) = reply.body else { throw CancellationError() }
        #expect(usage == nil)
    }

    /// Who must not share with a key `a` of no tenant that may use all models.
    static let strangers: [RequestContext] = [
        Self.context(), Self.context(key: "b"), Self.context(key: "a", tenant: "t"),
        Self.context(key: "a", models: ["m"]), Self.context(key: "a", headers: [.authorization: "x"]),
        Self.context(key: "a", strict: true), Self.context(key: "tenant a"),
    ]

    @Test("another tenant, key, set of models, header or strictness is a miss", arguments: strangers.indices)
    func isolation(_ index: Int) async throws {
        let layer = self.layer(ScriptedProvider("up", [.reply("one"), .reply("two")]), self.cache())
        #expect(try await self.ask(layer, Self.request(), Self.context(key: "a")).status == .miss)
        #expect(try await self.ask(layer, Self.request(), Self.strangers[index]) == ("two", .miss))
        #expect(try await self.ask(layer, Self.request(), Self.context(key: "a")).status == .hit(age: 0))
    }

    @Test("the keys of a tenant share")
    func tenant() async throws {
        let layer = self.layer(ScriptedProvider("up", [.reply("one")]), self.cache())
        _ = try await self.ask(layer, Self.request(), Self.context(key: "a", tenant: "t"))
        #expect(
            try await self.ask(layer, Self.request(), Self.context(key: "b", tenant: "t")) == ("one", .hit(age: 0)))
    }

    @Test("an error is not kept")
    func failure() async throws {
        let layer = self.layer(
            ScriptedProvider("up", [.failure(NeedletailError(.upstreamFailed, "no")), .reply("one")]), self.cache())
        await #expect(throws: NeedletailError.self) { try await self.ask(layer) }
        #expect(try await self.ask(layer) == ("one", .miss))
    }

    @Test("a stream that ended well is kept; one that broke, was cut or has no end is not")
    func streams() async throws {
        let request = Self.request(stream: true)
        let broken = NeedletailError(.unreachable, "broke")
        let upstream = ScriptedProvider(
            "up",
            [.broken(["a", "end"], broken), .stream(["a", "b"]), .stream(["a", "end"]), .stream(["a", "end"])])
        let layer = self.layer(upstream, self.cache())
        await #expect(throws: NeedletailError.self) { try await self.ask(layer, request) }
        #expect(try await self.ask(layer, request) == ("ab", .miss))
        // Its client leaves after the first chunk.
        let left = try await layer.respond(to: request, context: Self.context())
        guard case .stream(let stream) = left.body else { throw CancellationError() }
        var chunks = stream.makeAsyncIterator()
        _ = try await chunks.next()
        #expect(try await self.ask(layer, request) == ("aend", .miss))
        #expect(try await self.ask(layer, request) == ("aend", .hit(age: 0)))
        #expect(upstream.callCount == 4)
    }

    @Test("a reply over the limit is passed on and not kept", arguments: [false, true])
    func large(_ isStream: Bool) async throws {
        let step = isStream ? ScriptedProvider.Step.stream(["123456789", "end"]) : .reply("123456789end")
        let upstream = ScriptedProvider("up", [step, step])
        let layer = self.layer(upstream, self.cache(.init(maximumReplySize: 11)))
        for _ in 0..<2 {
            #expect(try await self.ask(layer, Self.request(stream: isStream)) == ("123456789end", .miss))
        }
    }

    @Test("no-store neither looks nor keeps")
    func noStore() async throws {
        let upstream = ScriptedProvider("up", [.reply("one"), .reply("two"), .reply("three")])
        let layer = self.layer(upstream, self.cache())
        let context = Self.context(policy: .noStore)
        #expect(try await self.ask(layer, Self.request(), context) == ("one", .bypass))
        #expect(try await self.ask(layer) == ("two", .miss))
        #expect(try await self.ask(layer, Self.request(), context) == ("three", .bypass))
    }

    @Test("only-if-cached asks nobody, with a cache and without", arguments: [false, true])
    func onlyIfCached(_ hasCache: Bool) async throws {
        let upstream = ScriptedProvider("up", [.reply("one")])
        let layer = self.layer(upstream, hasCache ? self.cache() : nil)
        let context = Self.context(policy: .onlyIfCached)
        let error = await #expect(throws: NeedletailError.self) { try await self.ask(layer, Self.request(), context) }
        #expect(error?.disposition.status == 504)
        #expect(upstream.callCount == 0)
        guard hasCache else { return }
        _ = try await self.ask(layer)
        #expect(try await self.ask(layer, Self.request(), context) == ("one", .hit(age: 0)))
    }

    @Test("a request that belongs to a stored response is not looked for")
    func pinned() async throws {
        let layer = self.layer(ScriptedProvider("up", [.reply("one"), .reply("two")]), self.cache())
        var request = Self.request()
        request.pin = "up"
        #expect(try await self.ask(layer, request) == ("one", .bypass))
        #expect(try await self.ask(layer, request) == ("two", .bypass))
    }

    @Test("a purge forgets all, or one tenant's or key's")
    func purge() async throws {
        let cache = self.cache()
        let layer = self.layer(ScriptedProvider("up"), cache)
        for (key, tenant) in [("a", nil), ("b", "t"), ("c", "t")] as [(String, String?)] {
            _ = try await self.ask(layer, Self.request(key), Self.context(key: key, tenant: tenant))
        }
        #expect(cache.purge(tenant: "t") == 2)
        #expect(cache.purge(key: "b") == 0)
        #expect(cache.purge() == 1)
        #expect(cache.statistics().bytes == 0)
    }
}
