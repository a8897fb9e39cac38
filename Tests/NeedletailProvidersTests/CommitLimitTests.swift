import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

/// A body that goes on and on: each read takes time, and there is no end.
private final class EndlessBody: TransportBodySource {
    private let chunk: ByteBuffer
    private let pause: Duration
    private let time: JumpingTime
    private let state = Mutex((reads: 0, isCancelled: false))

    init(_ chunk: String, every pause: Duration, _ time: JumpingTime) {
        self.chunk = ByteBuffer(string: chunk)
        self.pause = pause
        self.time = time
    }

    var reads: Int { self.state.withLock { $0.reads } }
    var isCancelled: Bool { self.state.withLock { $0.isCancelled } }

    func next() async throws(NeedletailError) -> ByteBuffer? {
        self.time.advance(by: self.pause)
        self.state.withLock { $0.reads += 1 }
        return self.isCancelled ? nil : self.chunk
    }

    func cancel() {
        self.state.withLock { $0.isCancelled = true }
    }
}

@Suite("What may come before an event")
struct CommitLimitTests {
    private let time = JumpingTime()
    private let openAI = #"{"model":"a","stream":true,"messages":[{"role":"user","content":"x"}]}"#
    private let anthropic = #"{"model":"a","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#

    private func fail(
        _ chunk: String,
        every pause: Duration,
        client: DialectID,
        readTimeout: Duration? = nil
    ) async -> (error: NeedletailError?, body: EndlessBody) {
        let body = EndlessBody(chunk, every: pause, self.time)
        let bench = Bench(time: self.time.source) { _ in
            TransportResponse(
                status: 200, headers: [.contentType: "text/event-stream"], body: TransportBody(body))
        }
        let info = RequestInfo(id: "r", readTimeout: readTimeout, logger: RequestContext.testing().logger)
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(
                client == .openAIChat ? self.openAI : self.anthropic, client, context: RequestContext(info))
        }
        return (error, body)
    }

    @Test("comments do not put the first token's limit off", arguments: DialectID.spelledOut)
    func drip(client: DialectID) async {
        let (error, body) = await self.fail(": ping\n\n", every: .seconds(10), client: client)
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("60 s") == true)
        #expect(body.reads == 6 && body.isCancelled)
    }

    @Test("the SDK's own limit for silence counts where it is shorter", arguments: DialectID.spelledOut)
    func readTimeout(client: DialectID) async {
        let (error, body) = await self.fail(
            ": ping\n\n", every: .seconds(10), client: client, readTimeout: .seconds(20))
        #expect(error?.code == .timedOut)
        #expect(body.reads == 2)
    }

    @Test(
        "what is held back is bounded, whatever it is made of",
        arguments: [": no end of the event\n", ": an event without data\n\n", "data: a line\n", "x"])
    func flood(line: String) async {
        let chunk = String(repeating: line, count: (1 << 20) / line.utf8.count)
        let (error, body) = await self.fail(chunk, every: .zero, client: .openAIChat)
        #expect(error?.code == .malformedReply)
        #expect(body.reads <= 18 && body.isCancelled)
    }
}
