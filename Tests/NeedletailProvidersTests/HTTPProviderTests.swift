import HTTPTypes
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailProviders

/// A provider over a function, and what it was sent.
struct Bench {
    let transport: FunctionTransport
    let provider: HTTPProvider

    init(
        _ spec: ProviderSpec = .openAI,
        options: HTTPProvider.Options = .init(keys: [("sk-upstream", 1)]),
        time: TimeSource = JumpingTime().source,
        _ answer: @escaping @Sendable (TransportRequest) async throws(NeedletailError) -> TransportResponse
    ) {
        self.transport = FunctionTransport(answer)
        self.provider = HTTPProvider(
            id: "up", spec: spec, options: options, transport: self.transport, time: time)
    }

    func ask(
        _ body: String,
        _ dialect: DialectID = .openAIChat,
        context: RequestContext = .testing(),
        model: String? = nil
    ) async throws -> InferenceReply {
        var request = try RequestPeek.read(ByteBuffer(string: body), dialect: dialect, operation: .chat)
        if let model { request.model = model }
        return try await self.provider.respond(to: request, context: context)
    }

    var sent: TransportRequest { get throws { try #require(self.transport.requests.last) } }
}

func json(_ text: String, status: Int = 200, _ headers: HTTPFields = [:]) -> TransportResponse {
    var headers = headers
    headers[.contentType] = "application/json"
    return TransportResponse(status: status, headers: headers, body: TransportBody(ByteBuffer(string: text)))
}

func sse(_ text: String, splitEvery size: Int = .max, failure: NeedletailError? = nil) -> TransportResponse {
    TransportResponse(
        status: 200,
        headers: [.contentType: "text/event-stream"],
        body: TransportBody(ScriptedBody(ByteBuffer(string: text).split(every: size), failure: failure))
    )
}

/// The whole stream, and what broke it.
func collect(_ reply: InferenceReply) async throws -> (text: String, failure: NeedletailError?) {
    guard case .stream(let stream) = reply.body else { throw NeedletailError(.internalFailure, "no stream") }
    var text = ""
    var chunks = stream.makeAsyncIterator()
    do throws(NeedletailError) {
        while let chunk = try await chunks.next() { text += String(buffer: chunk) }
    } catch {
        return (text, error)
    }
    return (text, nil)
}

private let okReply = """
    {"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-x","choices":[{"index":0,"message":\
    {"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,\
    "total_tokens":5}}
    """

private let openAIStream = """
    data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hé"},"finish_reason":null}],"obfuscation":"x"}

    data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"llo"},"finish_reason":null}]}

    data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

    data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}

    data: [DONE]


    """

private let anthropicStream = """
    event: message_start
    data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":7,"output_tokens":1}}}

    event: content_block_start
    data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

    event: ping
    data: {"type": "ping"}

    event: content_block_delta
    data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}    }

    event: content_block_stop
    data: {"type":"content_block_stop","index":0}

    event: message_delta
    data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}}

    event: message_stop
    data: {"type":"message_stop"}


    """

@Suite("Passthrough")
struct PassthroughTests {
    @Test(
        "where the operator names the field of the output limit, a client of the same dialect has it too",
        arguments: ["max_tokens", "max_completion_tokens"])
    func maxTokensField(field: String) async throws {
        var options = HTTPProvider.Options(keys: [("k", 1)])
        options.maxTokensField = field
        let bench = Bench(options: options) { _ in json(okReply) }
        let other = field == "max_tokens" ? "max_completion_tokens" : "max_tokens"
        _ = try await bench.ask(#"{"model":"m","\#(other)":5,"messages":[{"role":"user","content":"hi"}],"zz":1.50}"#)
        #expect(
            String(buffer: try bench.sent.body)
                == #"{"model":"m","\#(field)":5,"messages":[{"role":"user","content":"hi"}],"zz":1.50}"#)
        // Of two limits one is lost, which a strict request does not allow.
        let both =
            #"{"model":"m","max_tokens":5,"max_completion_tokens":6,"messages":[{"role":"user","content":"hi"}]}"#
        #expect(try await bench.ask(both).losses.map(\.field) == [other])
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(both, context: .testing(isStrict: true))
        }
        #expect(error?.parameter == other)
    }

    @Test(
        "a request keeps every byte but the model's name",
        arguments: [
            #"{"model":"a","messages":[{"role":"user","content":"x","unknown":[1.0,1e5,{"a":null}]}],"zzz":12345678901234567890}"#,
            "\n{ \"zzz\" : \"\\u00e9\\ud83d\" ,\"model\" :\"a\", \"messages\":[ {\"role\":\"user\",\"content\":\"é\"} ] }\r\n",
            #"{"messages":[{"role":"user","content":"\"model\":\"a\""}],"model":"a"}"#,
        ])
    func requestBytes(body: String) async throws {
        let bench = Bench { _ in json(okReply) }
        _ = try await bench.ask(body, model: "target")
        let expected = body.replacing(#""model":"a"}"#, with: #""model":"target"}"#)
            .replacing(#""model":"a","#, with: #""model":"target","#).replacing(
                #""model" :"a""#, with: #""model" :"target""#
            )
            .replacing(#"\"model\":\"target\""#, with: #"\"model\":\"a\""#)
        #expect(String(buffer: try bench.sent.body) == expected)
        _ = try await bench.ask(body)
        #expect(String(buffer: try bench.sent.body) == body)
    }

    @Test("a reply keeps every byte")
    func replyBytes() async throws {
        let odd = okReply.replacing("}}", with: #"},"unknown": [1.10, "\u00e9"] }"#)
        let reply = try await Bench { _ in json(odd) }.ask(#"{"model":"a","messages":[{"role":"user","content":"x"}]}"#)
        guard case .complete(let body, let usage) = reply.body else { Issue.record("no whole reply"); return }
        #expect(String(buffer: body.bytes) == odd)
        #expect(usage == Usage(inputTokens: 3, outputTokens: 2))
        #expect(reply.losses.isEmpty)
    }

    @Test("a stream keeps every byte, wherever it is split", arguments: [1, 2, 3, 7, 64, 200, 1_000_000])
    func streamBytes(size: Int) async throws {
        let body =
            #"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
        let reply = try await Bench { _ in sse(openAIStream, splitEvery: size) }.ask(body)
        guard case .stream(let stream) = reply.body else { Issue.record("no stream"); return }
        let (text, failure) = try await collect(reply)
        #expect(text == openAIStream)
        #expect(failure == nil)
        #expect(stream.ending.usage == Usage(inputTokens: 7, outputTokens: 9))
    }

    @Test("CRLF, comments and unknown events survive", arguments: [1, 5, 1_000_000])
    func oddFraming(size: Int) async throws {
        let odd =
            ": hello\r\n\r\n"
            + anthropicStream.replacing("\n", with: "\r\n").replacing(
                "event: ping", with: "event: brand_new\r\ndata: {\"type\":\"brand_new\",\"x\":1}\r\n\r\nevent: ping")
        let body = #"{"model":"a","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let reply = try await Bench(.anthropic) { _ in sse(odd, splitEvery: size) }.ask(body, .anthropicMessages)
        let (text, failure) = try await collect(reply)
        #expect(text == odd)
        #expect(failure == nil)
    }

    @Test("usage is asked for and kept from a client that did not ask", arguments: [1, 30, 1_000_000])
    func withheldUsage(size: Int) async throws {
        let bench = Bench { _ in sse(openAIStream, splitEvery: size) }
        let body = #"{"model":"a","stream":true,"messages":[{"role":"user","content":"x"}]}"#
        let reply = try await bench.ask(body)
        guard case .stream(let stream) = reply.body else { Issue.record("no stream"); return }
        let (text, _) = try await collect(reply)
        let usageStart = try #require(
            openAIStream.firstRange(
                of:
                    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],"
            ))
        let doneStart = try #require(openAIStream.firstRange(of: "data: [DONE]"))
        #expect(text == openAIStream[..<usageStart.lowerBound] + openAIStream[doneStart.lowerBound...])
        #expect(stream.ending.usage == Usage(inputTokens: 7, outputTokens: 9))
        #expect(String(buffer: try bench.sent.body) == body.dropLast() + #","stream_options":{"include_usage":true}}"#)
    }

    @Test("the client's other stream options stay")
    func streamOptions() async throws {
        let bench = Bench { _ in sse(openAIStream) }
        _ = try await bench.ask(
            #"{"model":"a","stream":true,"stream_options":{"include_obfuscation":false,"include_usage":false},"messages":[{"role":"user","content":"x"}]}"#
        )
        #expect(
            String(buffer: try bench.sent.body).contains(
                #""stream_options":{"include_obfuscation":false,"include_usage":true},"messages""#))
    }

    @Test("the provider's key replaces the client's, and the client's protocol headers go through")
    func headers() async throws {
        let bench = Bench(.anthropic) { _ in
            json(
                #"{"id":"m","type":"message","role":"assistant","model":"c","content":[],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#
            )
        }
        _ = try await bench.ask(
            #"{"model":"a","max_tokens":5,"messages":[{"role":"user","content":"x"}]}"#,
            .anthropicMessages,
            context: .testing(forwardedHeaders: [.anthropicVersion: "2099-01-01", .anthropicBeta: "b1,b2"])
        )
        let headers = try bench.sent.headers
        #expect(headers[.xAPIKey] == "sk-upstream")
        #expect(headers[.anthropicVersion] == "2099-01-01")
        #expect(headers[.anthropicBeta] == "b1,b2")
        #expect(try bench.sent.path == "/v1/messages")
    }
}

@Suite("Commit")
struct CommitTests {
    private let streaming = #"{"model":"a","stream":true,"messages":[{"role":"user","content":"x"}]}"#
    private let messages = #"{"model":"a","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#

    @Test("an error event before anything else is thrown, so that another attempt is possible")
    func firstEventIsError() async throws {
        let body =
            "data: {\"error\":{\"message\":\"too many\",\"type\":\"rate_limit_error\",\"code\":\"rate_limit_exceeded\"}}\n\ndata: [DONE]\n\n"
        let error = await #expect(throws: NeedletailError.self) {
            try await Bench { _ in sse(body) }.ask(self.streaming)
        }
        #expect(error?.code == .rateLimited)
        #expect(error?.provider == "up")
    }

    @Test("an empty or unstreamed reply is thrown", arguments: ["", ": only a comment\n\n", "<html>", "\n\n\n"])
    func nothingGood(body: String) async {
        await #expect(throws: NeedletailError.self) { try await Bench { _ in sse(body) }.ask(self.streaming) }
        await #expect(throws: NeedletailError.self) {
            try await Bench(.anthropic) { _ in sse(body) }.ask(self.streaming)
        }
    }

    @Test(
        "a stream that breaks after the commit fails at the reader, after the good events",
        arguments: [
            NeedletailError.Code.unreachable, .timedOut,
        ])
    func brokenLater(code: NeedletailError.Code) async throws {
        let half = String(openAIStream.prefix(openAIStream.count / 2))
        let failure = NeedletailError(code, "scripted")
        for client in [DialectID.openAIChat, .anthropicMessages] {
            let bench = Bench { _ in sse(half, splitEvery: 40, failure: failure) }
            let reply = try await bench.ask(client == .openAIChat ? self.streaming : self.messages, client)
            let (text, error) = try await collect(reply)
            #expect(error?.code == code)
            #expect(text.contains("Hé"))
            #expect(!text.contains("[DONE]") && !text.contains("message_stop"))
        }
    }

    @Test("a stream that just ends without its end is a failure")
    func cutShort() async throws {
        for (client, text) in [(DialectID.openAIChat, openAIStream), (.anthropicMessages, anthropicStream)] {
            let cut = String(text.prefix(text.count / 2))
            let bench = Bench(client == .openAIChat ? .openAI : .anthropic) { _ in sse(cut) }
            let reply = try await bench.ask(client == .openAIChat ? self.streaming : self.messages, client)
            #expect(try await collect(reply).failure?.code == .unreachable)
        }
    }

    @Test("garbage between events is a failure, and what came before it arrives")
    func garbage() async throws {
        let parts = openAIStream.split(separator: "\n\n")
        let bad = parts[0] + "\n\ndata: {\"choices\": [oops\n\n" + parts[1] + "\n\n"
        let reply = try await Bench { _ in sse(String(bad)) }.ask(self.streaming)
        let (text, failure) = try await collect(reply)
        #expect(failure?.code == .malformedReply)
        #expect(text == parts[0] + "\n\n")
    }

    @Test("a missing end marker after a finished reply is no failure")
    func noMarker() async throws {
        let cut = openAIStream.replacing("data: [DONE]\n\n", with: "")
        let reply = try await Bench { _ in sse(cut) }.ask(self.streaming)
        #expect(try await collect(reply).failure == nil)
    }
}

@Suite("Upstream failures")
struct UpstreamFailureTests {
    @Test(
        "a status becomes the contract's code",
        arguments: [
            (400, NeedletailError.Code.invalidRequest, 400), (401, .credentialRejected, 500),
            (402, .credentialRejected, 500),
            (403, .credentialRejected, 500), (404, .notFound, 404), (408, .timedOut, 504), (409, .conflict, 502),
            (413, .tooLarge, 413), (422, .unprocessable, 422), (425, .conflict, 502), (429, .rateLimited, 429),
            (500, .upstreamFailed, 502), (502, .upstreamFailed, 502), (503, .overloaded, 503), (504, .timedOut, 504),
            (529, .overloaded, 503), (301, .malformedReply, 502),
        ])
    func statuses(status: Int, code: NeedletailError.Code, ours: Int) async {
        for spec in [ProviderSpec.openAI, .anthropic] {
            let bench = Bench(spec) { _ in json(#"{"error":{"message":"m","type":"t"}}"#, status: status) }
            let body = #"{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#
            let error = await #expect(throws: NeedletailError.self) {
                try await bench.ask(body, spec.dialects[0])
            }
            #expect(
                error?.disposition.status == ours,
                "\(status) from \(spec.type) became \(String(describing: error?.code))")
        }
    }

    @Test("retry-after is kept")
    func retryAfter() async {
        let bench = Bench { _ in json(#"{"error":{"message":"slow down"}}"#, status: 429, [.retryAfter: "17"]) }
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(#"{"model":"a","messages":[{"role":"user","content":"x"}]}"#)
        }
        #expect(error?.retryAfter == .seconds(17))
    }

    @Test("a refused key rests and the next one is used")
    func keys() async throws {
        let time = JumpingTime()
        let bench = Bench(options: .init(keys: [("one", 1), ("two", 1)]), time: time.source) { request in
            request.headers[.authorization] == "Bearer one"
                ? json(#"{"error":{"message":"bad key","code":"invalid_api_key"}}"#, status: 401) : json(okReply)
        }
        let body = #"{"model":"a","messages":[{"role":"user","content":"x"}]}"#
        let error = await #expect(throws: NeedletailError.self) { try await bench.ask(body) }
        #expect(error?.hasOtherCredential == true)
        for _ in 0..<5 { _ = try await bench.ask(body) }
        #expect(bench.transport.requests.dropFirst().allSatisfy { $0.headers[.authorization] == "Bearer two" })
        time.advance(by: .seconds(61))
        _ = try? await bench.ask(body)
        _ = try? await bench.ask(body)
        #expect(bench.transport.requests.suffix(2).contains { $0.headers[.authorization] == "Bearer one" })
    }

    @Test("a 200 that is no JSON is a bad gateway", arguments: ["<html>oops</html>", "", "{\"id\":", "null", "[]"])
    func notJSON(body: String) async {
        for spec in [ProviderSpec.openAI, .anthropic] {
            let error = await #expect(throws: NeedletailError.self) {
                try await Bench(spec) { _ in json(body) }
                    .ask(#"{"model":"a","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#, spec.dialects[0])
            }
            #expect(error?.disposition.status == 502)
        }
    }
}

@Suite("Translation over HTTP")
struct TranslationTests {
    @Test("an OpenAI client reads an Anthropic stream", arguments: [1, 17, 1_000_000])
    func anthropicToOpenAI(size: Int) async throws {
        let bench = Bench(.anthropic) { _ in sse(anthropicStream, splitEvery: size) }
        let reply = try await bench.ask(
            #"{"model":"a","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"x"}]}"#
        )
        let (text, failure) = try await collect(reply)
        #expect(failure == nil)
        #expect(text.contains(#""content":"Hello""#))
        #expect(text.contains(#""prompt_tokens":7"#) && text.contains(#""completion_tokens":9"#))
        #expect(text.hasSuffix("data: [DONE]\n\n"))
        #expect(try bench.sent.path == "/v1/messages")
    }

    @Test("an Anthropic client reads an OpenAI stream", arguments: [1, 17, 1_000_000])
    func openAIToAnthropic(size: Int) async throws {
        let bench = Bench { _ in sse(openAIStream, splitEvery: size) }
        let reply = try await bench.ask(
            #"{"model":"a","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"x"}]}"#,
            .anthropicMessages)
        let (text, failure) = try await collect(reply)
        #expect(failure == nil)
        #expect(text.contains("Hé") && text.contains("llo"))
        #expect(text.contains(#""output_tokens":9"#) && text.contains("message_stop"))
        let sent = String(buffer: try bench.sent.body)
        #expect(sent.contains(#""max_completion_tokens":9"#) && sent.contains(#""include_usage":true"#))
    }

    @Test("what is lost is told, and refused if the request is strict")
    func losses() async throws {
        let bench = Bench(.anthropic) { _ in
            json(
                #"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#
            )
        }
        let body =
            #"{"model":"a","messages":[{"role":"user","content":"x"}],"seed":1,"logit_bias":{"1":2},"brand_new":true}"#
        let reply = try await bench.ask(body)
        #expect(Set(reply.losses.map(\.field)).isSuperset(of: ["seed", "logit_bias", "brand_new"]))
        let error = await #expect(throws: NeedletailError.self) {
            try await bench.ask(body, context: .testing(isStrict: true))
        }
        #expect(error?.disposition.status == 400)
        for field in ["seed", "logit_bias", "brand_new"] { #expect(error?.message.contains(field) == true) }
    }
}

@Suite("Upstream paths")
struct OperationPathsTests {
    @Test(
        "a final /v1 may be there or not",
        arguments: [
            ("", "/v1"), ("/", "/v1"), ("/v1", "/v1"), ("/v1/", "/v1"), ("/openai/v1", "/openai/v1"),
            ("/openai", "/openai/v1"), ("/api/paas/v4", "/api/paas/v4"), ("/v1beta/", "/v1beta"), ("//a//", "/a/v1"),
            ("/vanilla", "/vanilla/v1"),
        ])
    func root(base: String, root: String) {
        #expect(DialectID.openAIChat.paths.root(basePath: base) == root)
    }

    @Test("A stream under the wrong content type is a stream all the same", arguments: [1, 4, 1000])
    func mislabelledStream(_ size: Int) async throws {
        let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"
        let bench = Bench { (_) throws(NeedletailError) in
            var response = sse(text, splitEvery: size)
            response.headers[.contentType] = "application/json"
            return response
        }
        let body = #"{"model":"m","stream":true,"messages":[{"role":"user","content":"a"}]}"#
        guard case .stream(let stream) = try await bench.ask(body).body else {
            Issue.record("no stream")
            return
        }
        var whole = ""
        for try await chunk in stream { whole += String(buffer: chunk) }
        #expect(whole == text)
    }
}
