import NIOCore
import Needletail
import NeedletailTesting
import Synchronization
import Testing

/// Counts how often it is closed.
private final class ClosableProvider: Provider {
    let id: ProviderID = "leaf"
    private let counts = Mutex((calls: 0, closes: 0))

    var calls: Int { self.counts.withLock { $0.calls } }
    var closes: Int { self.counts.withLock { $0.closes } }

    func close() async { self.counts.withLock { $0.closes += 1 } }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        self.counts.withLock { $0.calls += 1 }
        return InferenceReply(
            provider: self.id, model: request.model,
            body: .complete(WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}")), nil))
    }
}

@Suite("Closing a stack")
struct StackClosingTests {
    @Test("close reaches what every layer stands around")
    func layers() async throws {
        let (time, random) = (JumpingTime().source, RandomSource.seeded(1))
        let leaf = ClosableProvider()
        let jobs = BackgroundJobs()
        let stack = ProviderStackBuilder(leaf)
            .withMetrics(UsageTotals(), time: time)
            .withTracing(SpanSource(ratio: 1, random: random), observers: [], time: time)
            .withLoadShedding(maximum: 10)
            .withCache(.init(), time: time)
            .withKeyLimits([:], time: time)
            .withResponseStore(ResponseStore(time: time), random: random)
            .withDeadline(.seconds(60), time: time)
            .withCoalescing(jobs, time: time)
            .withShadow(of: leaf, settings: .init(fraction: 0), jobs: jobs, time: time, random: random)
            .withContinuation(time: time)
            .withRetry(time: time, random: random)
            .withAttemptObservation(Observation(), time: time)
            .withCircuitBreaker(time: time, random: random)
            .withRateLimit(LimitPolicy(requestsPerMinute: 10), time: time, random: random)
            .withReplyContract(ReplyContract())
            .withBudgets(nil, tariff: .init(model: { _ in PricedModel(price: nil) }), time: time)
            .withAdaptiveTimeout(.init(ceiling: .seconds(9)), learning: AdaptiveTimeout(), time: time)
            .withTimeout(.seconds(9), time: time)
            .build()
        #expect(stack.id == "leaf")
        let client = ChatClient(stack, random: random, time: time)
        _ = try await client.respond(
            to: InferenceRequest(chat: ChatRequest(model: "m", messages: [.user("Hello")]), isStreaming: false))
        #expect(leaf.calls == 1)
        await client.close()
        #expect(leaf.closes == 1)
        await jobs.close()
    }

    @Test("close passes what looks at content, and reaches what a name leads to")
    func guards() async throws {
        let (time, random) = (JumpingTime().source, RandomSource.seeded(1))
        let leaf = ClosableProvider()
        let directory = ModelDirectory(
            groups: [:], upstreams: ["leaf": ModelDirectory.Upstream(router: leaf)], defaultGroup: nil)
        let router = ModelRouter(directory, time: time)
        await router.close()
        #expect(leaf.closes == 1)
        let layers: [@Sendable (any Provider) -> any Provider] = [
            { DenyLayer($0, lists: []) },
            { RedactionLayer($0, policies: [], cutters: { $0.makeEventCutter() }, random: random) },
            { HookLayer($0, rules: [], dialects: { $0.dialect }, time: time) },
            { ContentLayer($0, scope: GuardScope(), keep: { _ in }) },
            { BudgetExhaustionLayer($0, directory: directory, time: time) },
        ]
        for (index, layer) in layers.enumerated() {
            await ProviderStackBuilder(router).with(layer).build().close()
            #expect(leaf.closes == index + 2)
        }
    }

    @Test("a closed client answers nobody, and its copies neither")
    func closed() async throws {
        let leaf = ClosableProvider()
        let client = ChatClient(leaf, time: JumpingTime().source)
        let copy = client
        await client.close()
        await client.close()
        let request = ChatRequest(model: "m", messages: [.user("Hello")])
        let errors = [
            await #expect(throws: NeedletailError.self) { try await copy.chat(request) },
            await #expect(throws: NeedletailError.self) { try await copy.stream(request) },
            await #expect(throws: NeedletailError.self) { try await copy.embed(["a"], model: "m") },
        ]
        for error in errors { #expect(error?.code == .unavailable && error?.message.contains("closed") == true) }
        #expect(leaf.calls == 0)
        let all = await copy.chat(all: [request, request])
        #expect(all.count == 2 && all.allSatisfy { if case .failure = $0 { true } else { false } })
    }

    @Test("a closed provider answers nobody")
    func provider() async throws {
        let transport = FunctionTransport { _ throws(NeedletailError) in
            TransportResponse(status: 200, body: TransportBody(ScriptedBody([ByteBuffer(string: #"{"data":[]}"#)])))
        }
        let provider = HTTPProvider(
            id: "p", spec: .openAI, options: .init(), transport: transport, time: JumpingTime().source)
        #expect(try await provider.listModels(deadline: nil) == [])
        await provider.close()
        let error = await #expect(throws: NeedletailError.self) { try await provider.listModels(deadline: nil) }
        #expect(error?.code == .unavailable && error?.message == "The provider 'p' has been closed.")
    }

    @Test("close waits for what runs, as long as it may")
    func waits() async throws {
        let server = ScriptedProvider("s", [.stream(["data: {}\n\n"])])
        let clock = JumpingTime()
        let client = ChatClient(server, time: clock.source)
        let stream = try await client.stream(ChatRequest(model: "m"))
        #expect(client.inFlight == 1)
        await client.close(within: .seconds(5))
        // Nobody read it: the limit is what ended the wait.
        #expect(clock.now == Instant(nanoseconds: 5_000_000_000))
        #expect(client.inFlight == 1)
        _ = stream
    }
}
