import NIOCore
import NeedletailCore
import Synchronization
import Testing

/// Takes down the outcomes that were reported.
private final class Outcomes: Sendable {
    private let seen = Mutex<[Outcome]>([])

    func record(_ outcome: Outcome) {
        self.seen.withLock { $0.append(outcome) }
    }

    var words: [String] {
        self.seen.withLock { outcomes in
            outcomes.map { outcome in
                switch outcome.end {
                case .finished: "finished"
                case .failed(let error): "failed \(error.code)"
                case .abandoned: "abandoned"
                }
            }
        }
    }

    var usages: [Usage?] { self.seen.withLock { $0.map(\.usage) } }
}

/// Hands out chunks, then the end or an error.
private final class Script: ReplyReader {
    private var chunks: [String]
    private let failure: NeedletailError?

    init(_ chunks: [String], failure: NeedletailError? = nil) {
        self.chunks = chunks
        self.failure = failure
    }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        guard self.chunks.isEmpty else { return ByteBuffer(string: self.chunks.removeFirst()) }
        if let failure = self.failure { throw failure }
        return nil
    }
}

@Suite("ReplyStream")
struct ReplyStreamTests {
    private static func read(_ stream: ReplyStream) async throws(NeedletailError) -> String {
        var text = ""
        for try await chunk in stream { text += String(buffer: chunk) }
        return text
    }

    @Test("hands on the chunks and finishes once")
    func finish() async throws {
        let outcomes = Outcomes()
        do {
            let stream = ReplyStream(dialect: .openAIChat, reader: Script(["a", "b"]))
            stream.onEnd(outcomes.record)
            stream.onEnd(outcomes.record)
            #expect(outcomes.words == [])
            #expect(try await Self.read(stream) == "ab")
            #expect(outcomes.words == ["finished", "finished"])
            stream.ending.end(.abandoned)
        }
        #expect(outcomes.words == ["finished", "finished"])
    }

    @Test("an action that is added after the end runs at once")
    func late() async throws {
        let stream = ReplyStream(dialect: .openAIChat, reader: Script([]))
        #expect(try await Self.read(stream) == "")
        let outcomes = Outcomes()
        stream.onEnd(outcomes.record)
        #expect(outcomes.words == ["finished"])
    }

    @Test("reports what broke it, once, and throws it")
    func fail() async {
        let outcomes = Outcomes()
        do {
            let failure = NeedletailError(.unreachable, "cut")
            let stream = ReplyStream(dialect: .openAIChat, reader: Script(["a"], failure: failure))
            stream.onEnd(outcomes.record)
            var iterator = stream.makeAsyncIterator()
            #expect(await (try? iterator.next()).map { $0.map { String(buffer: $0) } } == "a")
            for _ in 0..<2 {
                await #expect(throws: NeedletailError.self) { _ = try await iterator.next() }
            }
            #expect(outcomes.words == ["failed unreachable"])
        }
        #expect(outcomes.words == ["failed unreachable"])
    }

    @Test("a cancelled reader is an abandoned stream, nobody's fault")
    func cancelled() async {
        let outcomes = Outcomes()
        let stream = ReplyStream(
            dialect: .openAIChat, reader: Script(["a"], failure: NeedletailError(.cancelled, "gone")))
        stream.onEnd(outcomes.record)
        await #expect(throws: NeedletailError.self) { _ = try await Self.read(stream) }
        #expect(outcomes.words == ["abandoned"])
    }

    @Test("a stream that is dropped, read or not, is abandoned", arguments: [0, 1])
    func dropped(_ reads: Int) async throws {
        let outcomes = Outcomes()
        do {
            let stream = ReplyStream(dialect: .openAIChat, reader: Script(["a", "b"]))
            stream.onEnd(outcomes.record)
            var iterator = stream.makeAsyncIterator()
            for _ in 0..<reads { _ = try await iterator.next() }
            #expect(outcomes.words == [])
        }
        #expect(outcomes.words == ["abandoned"])
    }

    @Test("a second iterator throws and does not end the stream")
    func secondIterator() async throws {
        let outcomes = Outcomes()
        let stream = ReplyStream(dialect: .openAIChat, reader: Script(["a"]))
        stream.onEnd(outcomes.record)
        var first = stream.makeAsyncIterator()
        var second = stream.makeAsyncIterator()
        await #expect(throws: NeedletailError.self) { _ = try await second.next() }
        #expect(outcomes.words == [])
        #expect(try await first.next() != nil)
        #expect(try await first.next() == nil)
        #expect(outcomes.words == ["finished"])
    }

    @Test("the outcome carries the usage recorded last before the end")
    func usage() async throws {
        let outcomes = Outcomes()
        let stream = ReplyStream(dialect: .openAIChat, reader: Script(["a"]))
        stream.onEnd(outcomes.record)
        var usage = Usage()
        stream.ending.setUsage(usage)
        usage.outputTokens = 7
        stream.ending.setUsage(usage)
        _ = try await Self.read(stream)
        #expect(outcomes.usages == [usage])
        #expect(stream.ending.usage == usage)
    }

    @Test("ends once, however many end it at the same time")
    func race() async {
        for _ in 0..<50 {
            let outcomes = Outcomes()
            let ending = StreamEnding()
            let stream = ReplyStream(dialect: .openAIChat, ending: ending, reader: Script([]))
            stream.onEnd(outcomes.record)
            await withTaskGroup { group in
                for index in 0..<8 { group.addTask { ending.end(index % 2 == 0 ? .finished : .abandoned) } }
            }
            #expect(outcomes.words.count == 1)
        }
    }

    @Test("a complete reply ends at once")
    func complete() {
        let outcomes = Outcomes()
        let body = WireBody(dialect: .openAIChat, bytes: ByteBuffer())
        let reply = InferenceReply(provider: ProviderID("p"), model: "m", body: .complete(body, nil))
        reply.onEnd(outcomes.record)
        #expect(outcomes.words == ["finished"])
    }
}
