import HTTPTypes
import InMemoryTracing
import NIOCore
import Needletail
import NeedletailTesting
import Synchronization
import Testing
import Tracing

/// A tracer as an app has one: the in-memory one, which also speaks W3C Trace Context.
private struct AppTracer: Tracer {
    let spans = InMemoryTracer()

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> InstrumentationContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> InMemorySpan {
        self.spans.startSpan(
            operationName, context: context(), ofKind: kind, at: instant(), function: function, file: fileID,
            line: line)
    }

    func forceFlush() {}

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: "traceparent", from: carrier) else { return }
        let ids = [
            InMemoryTracer.traceIDKey: String(parent.dropFirst(3).prefix(32)),
            InMemoryTracer.spanIDKey: String(parent.dropFirst(36).prefix(16)),
        ]
        self.spans.extract(ids, into: &context, using: PairReader())
    }

    func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.inMemorySpanContext else { return }
        // The ids are words; as W3C they are sixteen bytes and eight.
        let trace = String(repeating: "a", count: 32)
        let number = span.spanID.filter(\.isNumber)
        let id = String(repeating: "0", count: 16 - number.count) + number
        injector.inject("00-\(trace)-\(id)-01", forKey: "traceparent", into: &carrier)
        injector.inject("app=1", forKey: "tracestate", into: &carrier)
        injector.inject("who=me", forKey: "baggage", into: &carrier)
    }
}

/// Reads from pairs.
private struct PairReader: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

/// What an app's own tracer sees of the library.
@Suite("Spans of an app's tracer", .timeLimit(.minutes(5)))
struct TracerTests {
    private let tracer = AppTracer()
    private let time = JumpingTime().source

    private static let answer =
        #"{"id":"c","object":"chat.completion","model":"small","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}"#

    private func provider(_ id: ProviderID, _ transport: FunctionTransport) -> HTTPProvider {
        HTTPProvider(
            id: id, spec: .openAI, options: HTTPProvider.Options(keys: [("key", 1)]), transport: transport,
            time: self.time)
    }

    private static func reply(_ status: Int, _ body: String) -> TransportResponse {
        TransportResponse(
            status: status, headers: [.contentType: "application/json"],
            body: TransportBody(ScriptedBody([ByteBuffer(string: body)])))
    }

    private static let request = ChatRequest(model: "small", messages: [.user("Hello")])

    @Test("a chat has a span below the caller's, and the call one below that, which the provider is told of")
    func chat() async throws {
        let transport = FunctionTransport { _ throws(NeedletailError) in Self.reply(200, Self.answer) }
        let client = ChatClient(self.provider("main", transport), random: .seeded(1), time: self.time)
        try await withTracer(self.tracer) {
            try await self.tracer.withSpan("caller") { _ in _ = try await client.chat(Self.request) }
        }
        let spans = self.tracer.spans.finishedSpans
        try #require(spans.map(\.operationName) == ["chat small", "chat small", "caller"])
        let (call, request, caller) = (spans[0], spans[1], spans[2])
        #expect(caller.parentSpanID == nil)
        #expect(request.parentSpanID == caller.spanID && call.parentSpanID == request.spanID)
        #expect(Set(spans.map(\.traceID)).count == 1)
        #expect(request.kind == .internal && call.kind == .client)
        for span in [call, request] {
            #expect(span.attributes.get("gen_ai.operation.name") == .string("chat"))
            #expect(span.attributes.get("gen_ai.provider.name") == .string("main"))
            #expect(span.attributes.get("gen_ai.request.model") == .string("small"))
            #expect(span.attributes.get("gen_ai.usage.input_tokens") == .int64(7))
            #expect(span.attributes.get("gen_ai.usage.output_tokens") == .int64(3))
            #expect(span.attributes.get("error.type") == nil && span.status == nil)
        }
        #expect(request.attributes.get("gen_ai.response.model") == .string("small"))
        #expect(call.attributes.get("needletail.attempt.number") == .int64(1))
        let sent = try #require(transport.requests.first).headers
        let id = call.spanID.filter(\.isNumber)
        #expect(sent[try #require(HTTPField.Name("traceparent"))]?.hasSuffix("0\(id)-01") == true)
        #expect(sent[try #require(HTTPField.Name("tracestate"))] == "app=1")
        #expect(sent[try #require(HTTPField.Name("baggage"))] == "who=me")
    }

    @Test("each call of a group has a span, a failed one with what went wrong")
    func failover() async throws {
        let bad = FunctionTransport { _ throws(NeedletailError) in
            Self.reply(500, #"{"error":{"message":"It broke."}}"#)
        }
        let good = FunctionTransport { _ throws(NeedletailError) in Self.reply(200, Self.answer) }
        let router = Router(
            id: "group",
            targets: [
                Target(self.provider("bad", bad), retry: RetryPolicy(maximumAttempts: 1)),
                Target(self.provider("good", good)),
            ], balancer: .priority, maximumAttempts: 3, time: self.time, random: .seeded(1))
        let client = ChatClient(router, random: .seeded(1), time: self.time)
        _ = try await withTracer(self.tracer) { try await client.chat(Self.request) }
        let spans = self.tracer.spans.finishedSpans
        try #require(spans.count == 3)
        #expect(spans.map { $0.attributes.get("gen_ai.provider.name") } == ["bad", "good", "good"].map { .string($0) })
        #expect(spans[0].status?.code == .error && spans[0].attributes.get("error.type") == .string("upstream_failed"))
        #expect(spans[0].attributes.get("http.response.status_code") == .int64(500))
        #expect(spans[1].attributes.get("needletail.attempt.cause") == .string("failover"))
        #expect(spans[2].status == nil && spans[2].attributes.get("needletail.attempts") == .int64(2))
        #expect(spans[0].parentSpanID == spans[2].spanID && spans[1].parentSpanID == spans[2].spanID)
    }

    @Test("a stream's spans end with the stream, and hold when it is dropped")
    func stream() async throws {
        let events =
            #"data: {"id":"c","model":"small","choices":[{"index":0,"delta":{"role":"assistant","content":"hi"}}]}"#
            + "\n\n" + #"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"# + "\n\n"
            + #"data: {"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}"#
            + "\n\ndata: [DONE]\n\n"
        let transport = FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(
                status: 200, headers: [.contentType: "text/event-stream"],
                body: TransportBody(ScriptedBody([ByteBuffer(string: events)])))
        }
        let client = ChatClient(self.provider("main", transport), random: .seeded(1), time: self.time)
        let stream = try await withTracer(self.tracer) { try await client.stream(Self.request) }
        #expect(self.tracer.spans.finishedSpans.isEmpty)
        for try await _ in stream {}
        let spans = self.tracer.spans.finishedSpans
        #expect(spans.count == 2)
        #expect(spans.allSatisfy { $0.attributes.get("gen_ai.usage.output_tokens") == .int64(3) })
        #expect(spans.last?.attributes.get("needletail.stream") == .bool(true))
    }

    @Test("a stack with tracing of its own makes no second span, and goes on with the trace that a request names")
    func stack() async throws {
        let transport = FunctionTransport { _ throws(NeedletailError) in Self.reply(200, Self.answer) }
        let spans = TracerSpans(self.tracer)
        let stack = ProviderStackBuilder(self.provider("main", transport))
            .withTracing(spans, time: self.time)
            .withAttemptObservation(Observation(), time: self.time)
            .build()
        let client = ChatClient(stack, random: .seeded(1), time: self.time)
        _ = try await withTracer(self.tracer) { try await client.chat(Self.request) }
        #expect(self.tracer.spans.finishedSpans.count == 2)
        self.tracer.spans.clearFinishedSpans()
        let parent = try #require(
            TraceContext(traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        let info = RequestInfo(id: "r", trace: parent, logger: RequestContext.testing().logger)
        _ = try await stack.respond(
            to: InferenceRequest(chat: Self.request, isStreaming: false), context: RequestContext(info))
        let request = try #require(self.tracer.spans.finishedSpans.last)
        #expect(request.traceID == "0af7651916cd43dd8448eb211c80319c" && request.parentSpanID == "b7ad6b7169203331")
    }

    @Test("without a tracer there is no span and no header")
    func none() async throws {
        #expect(TracerSpans.current.map { _ in true } == nil)
        let transport = FunctionTransport { _ throws(NeedletailError) in Self.reply(200, Self.answer) }
        let client = ChatClient(self.provider("main", transport), random: .seeded(1), time: self.time)
        _ = try await client.chat(Self.request)
        #expect(transport.requests.first?.headers[try #require(HTTPField.Name("traceparent"))] == nil)
    }
}
