import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("The reply cache: questions that mean the same")
struct SemanticCacheTests {
    /// Compares chats as they are.
    private struct Codec: CacheCodec {
        func content(of request: InferenceRequest) -> CacheContent? {
            guard case .model(let chat) = request.body else { return nil }
            return .chat(chat)
        }
        func replay(
            _ reply: CachedReply, of content: CacheContent, for request: InferenceRequest, id: String
        ) -> CacheReplay? {
            CacheReplay(body: WireBody(dialect: reply.dialect, bytes: reply.bytes))
        }
        func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool { true }
    }

    /// A direction for each first letter; those after it turn it by a degree each.
    @Sendable private static func embed(_ text: String, _ context: RequestContext) async -> [Float]? {
        guard let first = text.utf8.first, text != "nothing" else { return nil }
        let angle = (Double(first) * 40 + Double(text.utf8.count)) * .pi / 180
        return [Float(cosine(angle) * 3), Float(cosine(angle - .pi / 2) * 3)]
    }

    /// A series is enough here, and needs no library.
    private static func cosine(_ angle: Double) -> Double {
        let x = angle.remainder(dividingBy: 2 * .pi)
        var (term, sum) = (1.0, 1.0)
        for k in 1..<20 {
            term *= -x * x / Double((2 * k - 1) * (2 * k))
            sum += term
        }
        return sum
    }

    private let provider = ScriptedProvider("p")
    private let time = JumpingTime()

    private func layer(_ options: SemanticCache.Options = SemanticCache.Options(threshold: 0.999)) -> CacheLayer {
        let bounds = ResponseCache.Options()
        let semantic = SemanticCache(options, like: bounds, time: self.time.source, embed: Self.embed)
        return CacheLayer(
            self.provider, cache: ResponseCache(bounds, semantic: semantic, time: self.time.source), codec: Codec())
    }

    private static func ask(_ text: String, _ change: (inout ChatRequest) -> Void = { _ in }) -> InferenceRequest {
        var chat = ChatRequest(model: "m", messages: [ChatMessage(.system, "Be brief."), ChatMessage(.user, text)])
        change(&chat)
        return InferenceRequest(operation: .chat, model: "m", body: .model(chat), replyDialect: .openAIChat)
    }

    private func isHit(
        _ layer: CacheLayer, _ request: InferenceRequest, _ context: RequestContext = .testing(tenant: "a")
    ) async throws -> Bool {
        if case .hit = try await layer.respond(to: request, context: context).cacheStatus { true } else { false }
    }

    @Test("A question that means nearly the same is answered, one that does not is asked")
    func similar() async throws {
        let layer = self.layer()
        #expect(try await self.isHit(layer, Self.ask("hello")) == false)
        #expect(try await self.isHit(layer, Self.ask("hello!")))
        #expect(try await self.isHit(layer, Self.ask("hello there, you")) == false, "eleven degrees away")
        #expect(try await self.isHit(layer, Self.ask("bye")) == false)
        #expect(self.provider.callCount == 3)
    }

    @Test("Another tenant, another parameter, another conversation before: never")
    func frame() async throws {
        let layer = self.layer()
        _ = try await self.isHit(layer, Self.ask("hello"))
        #expect(try await self.isHit(layer, Self.ask("hello!"), .testing(tenant: "b")) == false)
        #expect(try await self.isHit(layer, Self.ask("hello!"), .testing(keyName: "k")) == false)
        let changes: [(inout ChatRequest) -> Void] = [
            { $0.temperature = JSONText(unchecked: "0.5") }, { $0.maxOutputTokens = 5 },
            { $0.messages[0] = ChatMessage(.system, "Be long.") },
            { $0.tools = [Tool(name: "t", kind: .function(parameters: nil))] },
            { $0.messages.insert(ChatMessage(.assistant, "Hm."), at: 1) },
        ]
        for change in changes { #expect(try await self.isHit(layer, Self.ask("hello!", change)) == false) }
        #expect(try await self.isHit(layer, Self.ask("hello!!")))
    }

    @Test("Without a vector, and where the last turn is not a user's text, only equal questions are equal")
    func exact() async throws {
        let layer = self.layer()
        for request in [Self.ask("nothing"), Self.ask("x") { $0.messages.append(ChatMessage(.assistant, "so")) }] {
            #expect(try await self.isHit(layer, request) == false)
            #expect(try await self.isHit(layer, request), "byte for byte")
        }
    }

    @Test("Bounds of number and age hold, and a purge empties it")
    func bounds() async throws {
        let layer = self.layer(SemanticCache.Options(threshold: 0.999, maximumCount: 2))
        for text in ["a", "d", "g"] { _ = try await self.isHit(layer, Self.ask(text)) }
        #expect(try await self.isHit(layer, Self.ask("g!")))
        #expect(try await self.isHit(layer, Self.ask("a!")) == false, "the oldest went")
        self.time.advance(by: .seconds(301))
        #expect(try await self.isHit(layer, Self.ask("g!")) == false)
        let cache = ResponseCache(
            semantic: SemanticCache(
                SemanticCache.Options(), like: ResponseCache.Options(), time: self.time.source, embed: Self.embed),
            time: self.time.source)
        let purged = CacheLayer(self.provider, cache: cache, codec: Codec())
        _ = try await self.isHit(purged, Self.ask("hello"))
        #expect(cache.purge(tenant: "b") == 0)
        #expect(cache.purge(tenant: "a") == 2)
        #expect(cache.semantic?.count == 0)
        #expect(try await self.isHit(purged, Self.ask("hello!")) == false)
    }
}
