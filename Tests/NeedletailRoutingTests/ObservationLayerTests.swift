import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// Keeps what it is told.
private final class Witness: RequestObserver {
    private let state = Mutex((attempts: [AttemptRecord](), requests: [RequestRecord](), order: [String]()))

    var attempts: [AttemptRecord] { self.state.withLock { $0.attempts } }
    var requests: [RequestRecord] { self.state.withLock { $0.requests } }
    var order: [String] { self.state.withLock { $0.order } }

    func attemptEnded(_ attempt: AttemptRecord) {
        self.state.withLock { state in
            state.attempts.append(attempt)
            state.order.append("attempt \(attempt.number)")
        }
    }

    func requestEnded(_ request: RequestRecord) {
        self.state.withLock { state in
            state.requests.append(request)
            state.order.append("request")
        }
    }
}

@Suite("Observation: requests and attempts are told exactly once")
struct ObservationLayerTests {
    private let clock = JumpingTime()
    private let witness = Witness()

    private func stack(_ providers: [ScriptedProvider], spans: SpanSource? = nil) -> any Provider {
        let targets = providers.map {
            Target(
                AttemptObservationLayer($0, Observation([self.witness]), time: self.clock.source), model: "up-\($0.id)",
                retry: RetryPolicy(maximumAttempts: 2, backoff: Backoff(base: .seconds(1), hasJitter: false)))
        }
        let router = Router(
            id: "group", targets: targets, balancer: .priority, maximumAttempts: 4, time: self.clock.source,
            random: .seeded(1))
        return ProviderStackBuilder(router).withObservation(
            Observation([self.witness], spans: spans), time: self.clock.source
        ).build()
    }

    private static func request(isStreaming: Bool = false, surface: DialectID = .openAIChat) -> InferenceRequest {
        InferenceRequest(
            operation: .chat, model: "asked", isStreaming: isStreaming,
            body: .wire(WireBody(dialect: surface, bytes: ByteBuffer(string: "{}")), BodyLandmarks()),
            replyDialect: surface)
    }

    private static let broken = NeedletailError(.upstreamFailed, "It broke.", provider: "a")

    @Test("a whole reply is told when it is returned")
    func whole() async throws {
        let reply = try await self.stack([ScriptedProvider("a")]).respond(to: Self.request(), context: .testing())
        #expect(self.witness.order == ["attempt 1", "request"])
        let record = try #require(self.witness.requests.first)
        #expect(record.provider == reply.provider && record.answeredModel == "up-a" && record.model == "asked")
        #expect(record.status == 200 && record.isCommitted && record.usage?.outputTokens == 1 && record.error == nil)
        #expect(record.timeToFirstToken == nil && record.attempts.map(\.cause) == [.first])
        #expect(record.endWallNanoseconds == 1_700_000_000_000_000_000)
    }

    @Test("a retry, a failover and the pause between them are told as such")
    func causes() async throws {
        let first = ScriptedProvider("a", [.failure(Self.broken), .failure(Self.broken)])
        let second = ScriptedProvider("b", [.failure(Self.broken)])
        _ = try await self.stack([first, second]).respond(to: Self.request(), context: .testing())
        #expect(self.witness.attempts.map(\.cause) == [.first, .failover, .failover, .failover])
        #expect(self.witness.attempts.map(\.number) == [1, 2, 3, 4])
        let record = try #require(self.witness.requests.first)
        #expect(record.attempts.count == 4 && self.witness.requests.count == 1)
        #expect(record.waited == .seconds(1) && record.duration == .seconds(1) && record.overhead == .zero)
    }

    @Test("the same target again is a retry")
    func retry() async throws {
        let only = ScriptedProvider("a", [.failure(Self.broken)])
        _ = try await self.stack([only]).respond(to: Self.request(), context: .testing())
        #expect(self.witness.attempts.map(\.cause) == [.first, .retry])
        #expect(self.witness.attempts.map { $0.error?.code } == [.upstreamFailed, nil])
        // Nobody said that it sends, but who answers was asked.
        #expect(self.witness.attempts.map(\.wasSent) == [false, true])
    }

    @Test(
        "a failure is told with the status of the client's dialect",
        arguments: [DialectID.openAIChat, .anthropicMessages])
    func failure(surface: DialectID) async throws {
        let error = NeedletailError(.overloaded, "Full.", provider: "a")
        let only = ScriptedProvider("a", [.failure(error), .failure(error)])
        await #expect(throws: NeedletailError.self) {
            try await self.stack([only]).respond(to: Self.request(surface: surface), context: .testing())
        }
        let record = try #require(self.witness.requests.first)
        #expect(record.status == (surface == .anthropicMessages ? 529 : 503))
        #expect(record.error?.code == .overloaded && !record.isCommitted && record.provider == "a")
        #expect(self.witness.order == ["attempt 1", "attempt 2", "request"])
    }

    @Test("a stream is told at its end, however it ends", arguments: ["finished", "failed", "abandoned"])
    func stream(end: String) async throws {
        let count = InFlightCount()
        let step: ScriptedProvider.Step =
            end == "failed" ? .broken(["data: 1\n\n"], Self.broken) : .stream(["data: 1\n\n"])
        let layer = ObservationLayer(
            AttemptObservationLayer(
                ScriptedProvider("a", [step]), Observation([self.witness]), time: self.clock.source),
            Observation([self.witness], inFlight: count), time: self.clock.source)
        try await self.read(layer, end == "abandoned") {
            #expect(self.witness.order.isEmpty && count.value == 1)
            self.clock.advance(by: .seconds(3))
        }
        #expect(self.witness.order == ["attempt 1", "request"] && count.value == 0)
        let record = try #require(self.witness.requests.first)
        #expect(record.duration == .seconds(3) && record.timeToFirstToken == .zero && record.status == 200)
        switch record.outcome.end {
        case .finished: #expect(end == "finished")
        case .failed(let error): #expect(end == "failed" && error.code == .upstreamFailed)
        case .abandoned: #expect(end == "abandoned")
        }
    }

    private func read(_ provider: any Provider, _ leaves: Bool, _ between: () -> Void) async throws {
        let reply = try await provider.respond(to: Self.request(isStreaming: true), context: .testing())
        between()
        guard !leaves, case .stream(let stream) = reply.body else { return }
        do { for try await _ in stream {} } catch { #expect(error.code == .upstreamFailed) }
    }

    @Test("spans lie below each other and below the client's")
    func spans() async throws {
        let spans = SpanSource(ratio: 0, random: .seeded(3))
        let parent = try #require(
            TraceContext(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
        let context = RequestContext(
            RequestInfo(
                id: "r", trace: parent, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })))
        _ = try await self.stack([ScriptedProvider("a")], spans: spans).respond(to: Self.request(), context: context)
        let request = try #require(self.witness.requests.first?.trace)
        let attempt = try #require(self.witness.attempts.first?.trace)
        #expect(request.traceID == "4bf92f3577b34da6a3ce929d0e0e4736" && request.isSampled)
        #expect(request.parentSpanID == parent.spanID && attempt.parentSpanID == request.spanID)
        #expect(Set([parent.spanID, request.spanID, attempt.spanID]).count == 3)
    }
}
