import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailProviders

/// A scripted server of predictions behind a provider.
private struct PredictionBench {
    let api: FunctionTransport
    let streams: FunctionTransport
    let cancellations = JobCancellations()
    let time = JumpingTime()
    let provider: HTTPProvider

    init(
        deadline: Instant? = nil,
        stream: @escaping @Sendable () throws(NeedletailError) -> TransportResponse = { () throws(NeedletailError) in
            throw NeedletailError(.internalFailure, "no stream was expected")
        },
        _ answer: @escaping @Sendable (TransportRequest) throws(NeedletailError) -> TransportResponse
    ) {
        self.api = FunctionTransport { request throws(NeedletailError) in try answer(request) }
        self.streams = FunctionTransport { _ throws(NeedletailError) in try stream() }
        let streams = self.streams
        let transport = JobKind.predictions.transport(
            over: self.api, connect: { _ in streams }, cancellations: self.cancellations, time: self.time.source)
        self.provider = HTTPProvider(
            id: "up", spec: .replicate, options: .init(keys: [("r8_key", 1)]), transport: transport,
            time: self.time.source)
    }

    func ask(
        _ body: String, _ dialect: DialectID = .openAIChat, deadline: Instant? = nil
    ) async throws -> InferenceReply {
        var context = RequestContext.testing()
        context.deadline = deadline
        return try await self.provider.respond(
            to: try RequestPeek.read(ByteBuffer(string: body), dialect: dialect, operation: .chat), context: context)
    }

    /// The cancellations that were sent, once everything on the list has been.
    func cancelled() async -> [String] {
        await self.cancellations.flush()
        return self.api.requests.filter { $0.path.hasSuffix("/cancel") }.map { "\($0.method) \($0.path)" }
    }
}

private func prediction(_ status: String, _ more: String = "") -> String {
    #"{"id":"p1","status":"\#(status)","urls":{"stream":"https://s.example/v1/streams/abc?x=1"}\#(more)}"#
}

@Suite("Predictions", .timeLimit(.minutes(5)))
struct PredictionTests {
    private static let whole =
        #"{"model":"o/n","max_tokens":3,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]}"#
    private static let streamed = Self.whole.replacing(#""max_tokens":3"#, with: #""stream":true"#)
    private static let metrics = #","output":["He"," llo\n"],"metrics":{"input_token_count":5,"output_token_count":3}"#

    @Test("a chat is created as a prediction, polled with pauses, and comes back as a chat")
    func polled() async throws {
        let rounds = Mutex(0)
        let bench = PredictionBench { request throws(NeedletailError) in
            if request.method == .post { return json(prediction("starting"), status: 201) }
            let round = rounds.withLock { count in
                count += 1
                return count
            }
            return json(round < 3 ? prediction("processing") : prediction("succeeded", Self.metrics))
        }
        let reply = try await bench.ask(Self.whole)
        guard case .complete(let body, let usage) = reply.body else { Issue.record("no whole reply"); return }
        let chat = try OpenAIChat.decodeReply(body.bytes)
        #expect(chat.text == "He llo\n" && chat.id == "p1" && chat.choices.first?.stopReason == .maxTokens)
        #expect(usage?.inputTokens == 5 && usage?.outputTokens == 3)
        let creation = try #require(bench.api.requests.first)
        #expect(creation.path == "/v1/models/o/n/predictions")
        #expect(creation.headers[.authorization] == "Bearer r8_key")
        #expect(creation.headers[HTTPField.Name("prefer") ?? .accept] == "wait=30")
        #expect(
            String(buffer: creation.body)
                == #"{"input":{"prompt":"Hi","system_prompt":"Be brief.","max_tokens":3}}"#)
        #expect(
            bench.api.requests.dropFirst().map { "\($0.method) \($0.path)" }
                == Array(repeating: "GET /v1/predictions/p1", count: 3))
        #expect(bench.api.requests.last?.headers[.authorization] == "Bearer r8_key")
        #expect(bench.time.sleeps == [.milliseconds(100), .milliseconds(250), .milliseconds(500)])
        #expect(await bench.cancelled() == [])
    }

    @Test(
        "models are named in three ways",
        arguments: [
            ("o/n:v1", "/v1/predictions", "v1"), ("o/n", "/v1/models/o/n/predictions", nil),
            (String(repeating: "0a", count: 32), "/v1/predictions", String(repeating: "0a", count: 32)),
        ] as [(String, String, String?)])
    func models(model: String, path: String, version: String?) async throws {
        let bench = PredictionBench { _ in json(prediction("succeeded", Self.metrics), status: 201) }
        _ = try await bench.ask(Self.whole.replacing("o/n", with: model))
        let creation = try #require(bench.api.requests.first)
        #expect(creation.path == path)
        #expect(try JSONDocument(creation.body).root["version"]?.string == version)
        #expect(bench.api.requests.count == 1)
    }

    @Test(
        "a name that would lead elsewhere is refused", arguments: ["o", "o/n/x", "../x", "o/..", "o/n?x", "o/ n", "/"])
    func badModels(model: String) async throws {
        let bench = PredictionBench { _ in json("{}") }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(Self.whole.replacing("o/n", with: model))
        }
        #expect(error?.code == .notFound && bench.api.requests.isEmpty)
    }

    @Test(
        "what a prediction cannot carry is refused before anything is created",
        arguments: [
            #""tools":[{"type":"function","function":{"name":"f"}}]"#, #""n":2"#, #""logprobs":true"#,
            #""response_format":{"type":"json_object"}"#, #""stop":["a,b"]"#,
            #""messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}}]}]"#,
        ])
    func refused(member: String) async throws {
        let bench = PredictionBench { _ in json("{}") }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(
                Self.whole.replacing(#""max_tokens":3"#, with: member).replacing(
                    member.hasPrefix(#""messages"#)
                        ? #","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}]"#
                        : "zzz",
                    with: ""))
        }
        #expect(error?.code == .unsupported && bench.api.requests.isEmpty)
    }

    @Test("a conversation becomes a transcript")
    func transcript() async throws {
        let bench = PredictionBench { _ in json(prediction("succeeded", Self.metrics), status: 201) }
        _ = try await bench.ask(
            #"{"model":"o/n","stop":["x","y"],"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}"#
        )
        let input = try JSONDocument(try #require(bench.api.requests.first).body).root["input"]
        #expect(input?["prompt"]?.string == "User: a\n\nAssistant: b\n\nUser: c\n\nAssistant:")
        #expect(input?["stop_sequences"]?.string == "x,y")
    }

    @Test(
        "a prediction that fails or is refused has the right class",
        arguments: [
            (201, prediction("failed", #","error":"CUDA out of memory""#), .upstreamFailed),
            (201, prediction("canceled"), .upstreamFailed),
            (401, #"{"title":"Unauthenticated","detail":"No valid token","status":401}"#, .credentialRejected),
            (402, #"{"title":"Billing required","detail":"Pay.","status":402}"#, .quotaExhausted),
            (404, #"{"detail":"The requested resource could not be found.","status":404}"#, .notFound),
            (422, #"{"title":"Invalid","detail":"- input: prompt is required","status":422}"#, .unprocessable),
            (429, #"{"detail":"Request was throttled. Expected available in 3 seconds.","status":429}"#, .rateLimited),
            (201, "{}", .malformedReply), (201, "<html>", .malformedReply),
        ] as [(Int, String, NeedletailError.Code)])
    func failures(status: Int, body: String, code: NeedletailError.Code) async throws {
        let bench = PredictionBench { _ in json(body, status: status) }
        let error = await #expect(throws: NeedletailError.self) { try await bench.ask(Self.whole) }
        #expect(error?.code == code)
    }

    @Test("a prediction that takes longer than the client waits is cancelled")
    func deadline() async throws {
        let bench = PredictionBench { _ in json(prediction("processing")) }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(Self.whole, deadline: bench.time.now.advanced(by: .seconds(5)))
        }
        #expect(error?.code == .timedOut && error?.mayHaveBeenProcessed == true)
        #expect(await bench.cancelled() == ["POST /v1/predictions/p1/cancel"])
    }

    private static let events = """
        : hi

        event: output
        id: 1:0
        data:

        event: output
        id: 1:1
        data: He

        event: output
        id: 1:2
        data:  llo
        data:

        event: done
        data: {}


        """

    private static func bench(
        _ events: String, splitEvery size: Int = .max, failure: NeedletailError? = nil
    ) -> PredictionBench {
        PredictionBench(stream: { sse(events, splitEvery: size, failure: failure) }) {
            request throws(NeedletailError) in
            request.method == .post
                ? json(prediction("starting"), status: 201) : json(prediction("succeeded", Self.metrics))
        }
    }

    @Test(
        "a stream is read as it comes, spaces and line ends kept, and its tokens are looked up",
        arguments: [1, 7, .max])
    func streams(size: Int) async throws {
        let bench = Self.bench(Self.events, splitEvery: size)
        let (text, failure) = try await collect(try await bench.ask(Self.streamed))
        #expect(failure == nil && text.hasSuffix("data: [DONE]\n\n"))
        var decoder = OpenAIChat.makeStreamDecoder()
        var events: [ChatEvent] = []
        try decoder.decode(ByteBuffer(string: text), into: &events)
        try decoder.finish(into: &events)
        let words = events.map { if case .text(let text, _) = $0 { text } else { "" } }.joined()
        #expect(words == "He llo\n")
        #expect(events.contains(.finished(.endTurn, stopSequence: nil, choice: 0)))
        let asked = try #require(bench.streams.requests.first)
        #expect(asked.path == "/v1/streams/abc?x=1" && asked.headers[.authorization] == nil)
        #expect(bench.api.requests.map(\.path) == ["/v1/models/o/n/predictions", "/v1/predictions/p1"])
        #expect(try JSONDocument(try #require(bench.api.requests.first).body).root["stream"]?.bool == true)
        #expect(await bench.cancelled() == [])
    }

    @Test("a client of another dialect gets the stream too")
    func translated() async throws {
        let bench = Self.bench(Self.events)
        let body = #"{"model":"o/n","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#
        let (text, failure) = try await collect(try await bench.ask(body, .anthropicMessages))
        #expect(failure == nil && text.contains("message_stop") && text.contains(#""output_tokens":3"#))
    }

    @Test("a client that goes away has its prediction cancelled, once")
    func abandoned() async throws {
        let bench = Self.bench(Self.events.replacing("event: done\ndata: {}\n\n", with: ""), splitEvery: 30)
        var reply: InferenceReply? = try await bench.ask(Self.streamed)
        #expect(await bench.cancelled() == [])
        _ = reply
        reply = nil
        #expect(await bench.cancelled() == ["POST /v1/predictions/p1/cancel"])
    }

    @Test(
        "a stream that fails fails the reply, and gives the prediction up",
        arguments: [
            "event: error\ndata: {\"detail\":\"It broke.\"}\n\n", "event: done\ndata: {\"reason\":\"canceled\"}\n\n",
            "",
        ])
    func brokenStream(end: String) async throws {
        let bench = Self.bench("event: output\ndata: He\n\n" + end)
        let (text, failure) = try await collect(try await bench.ask(Self.streamed))
        #expect(text.contains("He") && !text.contains("[DONE]"))
        #expect(failure?.code == (end.isEmpty ? .unreachable : .upstreamFailed))
        #expect(await bench.cancelled().count == 1)
    }

    @Test("a model that cannot stream is waited for, and its output sent as one piece")
    func noStream() async throws {
        let bench = PredictionBench { request throws(NeedletailError) in
            request.method == .post
                ? json(#"{"id":"p1","status":"starting","urls":{}}"#, status: 201)
                : json(prediction("succeeded", Self.metrics))
        }
        let (text, failure) = try await collect(try await bench.ask(Self.streamed))
        #expect(failure == nil && text.contains(#""content":"He llo\n""#) && text.hasSuffix("data: [DONE]\n\n"))
    }

    @Test("the list of cancellations is sent by whoever runs it")
    func runs() async throws {
        let sent = FunctionTransport { _ in json("{}") }
        let list = JobCancellations()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await list.run() }
            list.add(TransportRequest(path: "/a/cancel"), to: sent)
            while sent.requests.isEmpty { await Task.yield() }
            list.add(TransportRequest(path: "/b/cancel"), to: sent)
            while sent.requests.count < 2 { await Task.yield() }
            group.cancelAll()
        }
        #expect(sent.requests.map(\.path) == ["/a/cancel", "/b/cancel"])
    }

    @Test("a server that does not take a cancellation holds up no other's, and is given up with the task")
    func stuckCancellation() async throws {
        let stuck = FunctionTransport { _ throws(NeedletailError) in
            do { try await Task.sleep(for: .seconds(3_600)) } catch {
                throw NeedletailError(.cancelled, "given up")
            }
            return json("{}")
        }
        let sent = FunctionTransport { _ in json("{}") }
        let list = JobCancellations()
        list.add(TransportRequest(path: "/a/cancel"), to: stuck)
        list.add(TransportRequest(path: "/b/cancel"), to: sent)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await list.flush() }
            while sent.requests.isEmpty || stuck.requests.isEmpty { await Task.yield() }
            group.cancelAll()
        }
        #expect(list.isEmpty)
    }
}
