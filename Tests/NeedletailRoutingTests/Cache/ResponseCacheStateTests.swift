import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("The reply cache: what is kept")
struct ResponseCacheStateTests {
    private static func key(_ number: Int) -> CacheKey {
        CacheKey(
            InferenceRequest(
                operation: .embeddings, model: "m",
                body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), BodyLandmarks()), replyDialect: nil),
            RequestContext.testing().request,
            content: .other(.openAIChat, ByteBuffer(integer: number)))
    }

    private static func reply(_ size: Int) -> CachedReply {
        var reply = CachedReply(
            InferenceReply(
                provider: "up", model: "m",
                body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), nil)),
            includesUsage: false, created: 0)
        reply.bytes = ByteBuffer(repeating: 1, count: size)
        return reply
    }

    private static func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    @Test("the reply used least recently goes first")
    func order() {
        let room = 3 * (100 + ResponseCacheState.overhead)
        var state = ResponseCacheState(maximumSize: room, lifetime: .seconds(60))
        for number in 0..<3 {
            state.insert(Self.reply(100), for: Self.key(number), requestSize: 0, now: Self.at(0))
        }
        #expect(state.find(Self.key(0), now: Self.at(1)) != nil)
        #expect(state.insert(Self.reply(100), for: Self.key(3), requestSize: 0, now: Self.at(2)) == 1)
        #expect(state.find(Self.key(1), now: Self.at(3)) == nil)
        for number in [0, 2, 3] { #expect(state.find(Self.key(number), now: Self.at(3)) != nil) }
    }

    @Test("a reply is given until its time is over and not longer")
    func lifetime() {
        var state = ResponseCacheState(maximumSize: 10_000, lifetime: .seconds(60))
        state.insert(Self.reply(10), for: Self.key(1), requestSize: 5, now: Self.at(0))
        #expect(state.find(Self.key(1), now: Self.at(59)) != nil)
        #expect(state.find(Self.key(1), now: Self.at(60)) == nil)
        #expect(state.count == 0)
        #expect(state.size == 0)
    }

    @Test("what is larger than the cache is not kept, and nothing goes for it")
    func tooLarge() {
        var state = ResponseCacheState(maximumSize: 2_000, lifetime: .seconds(60))
        state.insert(Self.reply(10), for: Self.key(1), requestSize: 0, now: Self.at(0))
        state.insert(Self.reply(5_000), for: Self.key(2), requestSize: 0, now: Self.at(0))
        #expect(state.find(Self.key(1), now: Self.at(1)) != nil)
        #expect(state.count == 1)
    }

    @Test("size and order are those of a plain list, whatever is done", arguments: UInt64(0)..<20)
    func model(_ seed: UInt64) {
        let random = RandomSource.seeded(seed)
        var state = ResponseCacheState(maximumSize: 8_000, lifetime: .seconds(50))
        // Newest last.
        var list: [(number: Int, size: Int, expires: Int64)] = []
        for step in 0..<400 {
            let now = Int64(step)
            let number = Int(random.next() % 12)
            switch random.next() % 8 {
            case 0..<4:
                let size = Int(random.next() % 3_000)
                state.insert(Self.reply(size), for: Self.key(number), requestSize: 7, now: Self.at(now))
                let whole = size + 7 + ResponseCacheState.overhead
                list.removeAll { $0.number == number }
                while list.reduce(whole, { $0 + $1.size }) > 8_000 { list.removeFirst() }
                list.append((number, whole, now + 50))
            case 4..<7:
                let found = state.find(Self.key(number), now: Self.at(now))
                let place = list.firstIndex { $0.number == number }
                let isThere = place.map { now < list[$0].expires } ?? false
                #expect((found != nil) == isThere, "seed \(seed), step \(step)")
                if let place {
                    let entry = list.remove(at: place)
                    if isThere { list.append(entry) }
                }
            default:
                let meant = Self.key(number)
                let removed = state.removeAll { key, _ in key == meant }
                #expect(removed == list.count { $0.number == number })
                list.removeAll { $0.number == number }
            }
            #expect(state.count == list.count, "seed \(seed), step \(step)")
            #expect(state.size == list.reduce(0) { $0 + $1.size }, "seed \(seed), step \(step)")
        }
    }
}
