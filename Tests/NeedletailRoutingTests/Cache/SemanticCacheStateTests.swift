import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("The reply cache: what is kept of questions that mean the same")
struct SemanticCacheStateTests {
    private static func frame(_ conversation: String, text: String = "hello") throws -> SemanticFrame {
        let chat = ChatRequest(
            model: "m", messages: [ChatMessage(.system, conversation), ChatMessage(.user, text)])
        let request = InferenceRequest(operation: .chat, model: "m", body: .model(chat), replyDialect: .openAIChat)
        return try #require(
            SemanticFrame(CacheKey(request, RequestContext.testing().request, content: .chat(chat))))
    }

    private static let reply: CachedReply = {
        var reply = CachedReply(
            InferenceReply(
                provider: "up", model: "m",
                body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), nil)),
            includesUsage: false, created: 0)
        reply.bytes = ByteBuffer(repeating: 1, count: 10)
        return reply
    }()

    private static let now = Instant(nanoseconds: 0)

    private static func state(_ count: Int, size: Int = 1 << 30) -> SemanticCacheState {
        SemanticCacheState(maximumCount: count, maximumSize: size, lifetime: .seconds(60))
    }

    @Test("The request counts with its reply")
    func size() throws {
        let frame = try Self.frame("Be brief.")
        var state = Self.state(10, size: 4_000)
        state.insert(Self.reply, [1, 0], frame, requestSize: 5_000, now: Self.now)
        #expect(state.count == 0 && state.size == 0 && state.order.isEmpty)
        state.insert(Self.reply, [1, 0], frame, requestSize: 2_000, now: Self.now)
        #expect(state.size == 2_000 + 5 + 10 + 8 + ResponseCacheState.overhead)
        state.insert(Self.reply, [0, 1], frame, requestSize: 2_000, now: Self.now)
        #expect(state.candidates(frame, now: Self.now).map(\.vector) == [[0, 1]], "the first had to go")
        #expect(state.count == 1 && state.order.map { $0.frame == nil } == [true, false])
    }

    @Test("A frame that is full leaves nothing of those that go, and the oldest still goes first")
    func fullFrame() throws {
        let (frame, other) = (try Self.frame("Be brief."), try Self.frame("Be long."))
        var state = Self.state(SemanticCacheState.maximumOfFrame + 1)
        state.insert(Self.reply, [-1], other, requestSize: 10, now: Self.now)
        for number in 0..<3_100 { state.insert(Self.reply, [Float(number)], frame, requestSize: 10, now: Self.now) }
        #expect(state.count == SemanticCacheState.maximumOfFrame)
        #expect(state.order.count <= 2 * state.count + 1_024)
        #expect(state.order.filter { $0.frame != nil }.count == state.count)
        #expect(state.candidates(frame, now: Self.now).first?.vector == [2_100])
        #expect(state.candidates(other, now: Self.now).isEmpty)
    }

    @Test("A purge leaves nothing")
    func purge() throws {
        var state = Self.state(2_000)
        let frames = [try Self.frame("Be brief."), try Self.frame("Be long.")]
        for number in 0..<1_100 {
            state.insert(Self.reply, [1], frames[number % 2], requestSize: 10, now: Self.now)
        }
        let purged = state.removeAll(where: { _, _ in true })
        #expect(purged == 1_100)
        #expect(state.count == 0 && state.size == 0 && state.order.isEmpty)
        state.insert(Self.reply, [1], frames[0], requestSize: 10, now: Self.now)
        #expect(state.candidates(frames[0], now: Self.now).count == 1)
    }
}
