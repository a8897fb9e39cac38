import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

@Suite("Queues of jobs")
struct QueueTests {
    private static let body = #"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#
    private static let streamed =
        #"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#
    private static let reply =
        #"{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#

    private struct QueueBench {
        let api: FunctionTransport
        let cancellations = JobCancellations()
        let time = JumpingTime()
        let provider: HTTPProvider

        /// Answers with one text after the other; the last one repeats.
        init(_ answers: String..., status: Int = 200) {
            let left = Mutex(answers[...])
            self.api = FunctionTransport { request in
                if request.path.contains("/cancel/") { return json("{}") }
                let text = left.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? "" }
                return json(text, status: status)
            }
            let transport = JobKind.queue.transport(
                over: self.api, connect: { _ in FunctionTransport { _ in json("{}") } },
                cancellations: self.cancellations,
                time: self.time.source)
            self.provider = HTTPProvider(
                id: "up", spec: .runPod,
                options: .init(basePath: "", keys: [("k", 1)], settings: ["endpoint": "e1", "route": "queue"]),
                transport: transport, time: self.time.source)
        }

        func ask(_ body: String, deadline: Instant? = nil) async throws -> InferenceReply {
            var context = RequestContext.testing()
            context.deadline = deadline
            return try await self.provider.respond(
                to: try RequestPeek.read(ByteBuffer(string: body), dialect: .openAIChat, operation: .chat),
                context: context)
        }
    }

    @Test("the same type asks the worker's own route unless told otherwise")
    func route() async throws {
        let bench = Bench(.runPod, options: .init(basePath: "", keys: [("k", 1)], settings: ["endpoint": "e1"])) { _ in
            json(Self.reply)
        }
        _ = try await bench.ask(Self.body)
        #expect(try bench.sent.path == "/v2/e1/openai/v1/chat/completions")
    }

    @Test("a whole reply comes with the job, or is asked for")
    func whole() async throws {
        let done = #"{"id":"j 1","status":"COMPLETED","output":[\#(Self.reply)]}"#
        let short = QueueBench(done)
        guard case .complete(let body, let usage) = try await short.ask(Self.body).body else {
            Issue.record("no whole reply")
            return
        }
        #expect(String(buffer: body.bytes) == Self.reply && usage == Usage(inputTokens: 3, outputTokens: 2))
        let sent = try #require(short.api.requests.first)
        #expect(sent.path == "/v2/e1/runsync" && sent.headers[.authorization] == "Bearer k")
        #expect(
            String(buffer: sent.body)
                == #"{"input":{"openai_route":"/v1/chat/completions","openai_input":\#(Self.body)}}"#)

        let long = QueueBench(
            #"{"id":"j 1","status":"IN_QUEUE"}"#, #"{"id":"j 1","status":"IN_PROGRESS"}"#,
            done.replacing("[\(Self.reply)]", with: Self.reply))
        _ = try await long.ask(Self.body)
        #expect(long.api.requests.map(\.path) == ["/v2/e1/runsync", "/v2/e1/status/j%201", "/v2/e1/status/j%201"])
    }

    @Test("a stream is put together of what the job has each time it is asked")
    func stream() async throws {
        let first =
            #"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n"#
        let second =
            #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#
        let bench = QueueBench(
            #"{"id":"j","status":"IN_QUEUE"}"#, #"{"status":"IN_QUEUE","stream":[]}"#,
            #"{"status":"IN_PROGRESS","stream":[{"output":"\#(first)"}]}"#,
            #"{"status":"COMPLETED","stream":[{"output":\#(second)},{"output":["data: [DONE]\n\n"]}]}"#)
        let (text, failure) = try await collect(try await bench.ask(Self.streamed))
        #expect(failure == nil)
        #expect(
            text.contains(#""content":"Hi""#) && text.contains("data: \(second)\n\n")
                && text.hasSuffix("data: [DONE]\n\n"))
        #expect(
            bench.api.requests.map(\.path) == ["/v2/e1/run", "/v2/e1/stream/j", "/v2/e1/stream/j", "/v2/e1/stream/j"])
        #expect(bench.time.sleeps == [.milliseconds(100)])
    }

    @Test(
        "a job that fails has the right class",
        arguments: [
            (200, #"{"id":"j","status":"FAILED","error":"worker died"}"#, .upstreamFailed),
            (200, #"{"id":"j","status":"TIMED_OUT"}"#, .upstreamFailed),
            (200, #"{"id":"j","status":"COMPLETED"}"#, .malformedReply), (200, "{}", .malformedReply),
            (
                200, #"{"id":"j","status":"COMPLETED","output":{"object":"error","message":"too long","code":400}}"#,
                .invalidRequest
            ),
            (401, "", .credentialRejected), (429, "{}", .rateLimited),
        ] as [(Int, String, NeedletailError.Code)])
    func failures(status: Int, answer: String, code: NeedletailError.Code) async throws {
        let bench = QueueBench(answer, status: status)
        let error = await #expect(throws: NeedletailError.self) { try await bench.ask(Self.body) }
        #expect(error?.code == code)
    }

    @Test("a stream whose job fails fails, and one that nobody reads is cancelled")
    func ends() async throws {
        let failed = QueueBench(#"{"id":"j","status":"IN_QUEUE"}"#, #"{"status":"FAILED","error":"died"}"#)
        await #expect(throws: NeedletailError.self) { try await failed.ask(Self.streamed) }

        let bench = QueueBench(
            #"{"id":"j","status":"IN_QUEUE"}"#,
            #"{"status":"IN_PROGRESS","stream":[{"output":"data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n"}]}"#
        )
        var reply: InferenceReply? = try await bench.ask(Self.streamed)
        _ = reply
        reply = nil
        await bench.cancellations.flush()
        #expect(bench.api.requests.last.map { "\($0.method) \($0.path)" } == "POST /v2/e1/cancel/j")

        let late = QueueBench(#"{"id":"j","status":"IN_QUEUE"}"#)
        let error = await #expect(throws: NeedletailError.self) {
            try await late.ask(Self.body, deadline: late.time.now.advanced(by: .seconds(3)))
        }
        #expect(error?.code == .timedOut)
        await late.cancellations.flush()
        #expect(late.api.requests.last?.path == "/v2/e1/cancel/j")
    }
}
