import Logging
import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Provider stacks")
struct ProviderStackTests {
    private let clock = JumpingTime()
    private var time: TimeSource { self.clock.source }

    private struct Codec: CacheCodec {
        func content(of request: InferenceRequest) -> CacheContent? {
            .other(.openAIChat, ByteBuffer(string: request.model))
        }
        func isWhole(_ stream: ByteBuffer, _ dialect: DialectID) -> Bool { true }
        func replay(_ reply: CachedReply, of: CacheContent, for: InferenceRequest, id: String) -> CacheReplay? {
            CacheReplay(body: WireBody(dialect: reply.dialect, bytes: reply.bytes))
        }
    }

    @Test("retries stop at the policy, and the breaker inside stops the calls")
    func retry() async throws {
        let leaf = TimedProvider("leaf", failure: NeedletailError(.upstreamFailed, "down"), time: self.time)
        let breaker = CircuitBreaker(CircuitBreakerPolicy(failureThreshold: 4))
        let stack = ProviderStackBuilder(leaf)
            .withRetry(RetryPolicy(maximumAttempts: 3), budget: nil, time: self.time, random: .seeded(1))
            .withCircuitBreaker(breaker, time: self.time, random: .seeded(1))
            .build()
        for calls in [3, 4, 4] {
            await #expect(throws: NeedletailError.self) {
                try await stack.respond(to: .sample(), context: .testing())
            }
            #expect(leaf.models.count == calls)
        }
        #expect(breaker.snapshot(now: self.time.now()).phase == .open)
    }

    @Test("a rate limit says when to come again, and keeps what is refused from the provider")
    func rateLimit() async throws {
        let leaf = TimedProvider("leaf", time: self.time)
        let stack = ProviderStackBuilder(leaf)
            .withRateLimit(LimitPolicy(requestsPerMinute: 60, burst: 2), time: self.time, random: .seeded(1)).build()
        for _ in 0..<2 { _ = try await stack.respond(to: .sample(), context: .testing()) }
        let error = await #expect(throws: NeedletailError.self) {
            try await stack.respond(to: .sample(), context: .testing())
        }
        #expect(error?.code == .rateLimited && error?.retryAfter == .seconds(1) && error?.provider == "leaf")
        self.clock.advance(by: .seconds(1))
        _ = try await stack.respond(to: .sample(), context: .testing())
        #expect(leaf.models.count == 3)
    }

    @Test("a rate limit of one at a time is free again when the call is over, however it ends")
    func concurrency() async throws {
        let broken = ScriptedProvider(
            "leaf",
            [
                .failure(NeedletailError(.upstreamFailed, "")), .stream(["a"]),
                .broken(["a"], NeedletailError(.unreachable, "")),
            ])
        let stack = ProviderStackBuilder(broken)
            .withRateLimit(LimitPolicy(concurrency: 1), time: self.time, random: .seeded(1)).build()
        await #expect(throws: NeedletailError.self) { try await stack.respond(to: .sample(), context: .testing()) }
        for _ in 0..<2 {
            guard case .stream(let stream) = try await stack.respond(to: .sample(), context: .testing()).body else {
                Issue.record("no stream")
                return
            }
            let refused = await #expect(throws: NeedletailError.self) {
                try await stack.respond(to: .sample(), context: .testing())
            }
            #expect(refused?.code == .rateLimited)
            do { for try await _ in stream {} } catch {}
        }
        _ = try await stack.respond(to: .sample(), context: .testing())
        #expect(broken.callCount == 4)
    }

    @Test("the cache answers the second time, and metrics count both")
    func cache() async throws {
        let leaf = TimedProvider("leaf", time: self.time)
        let totals = UsageTotals()
        let stack = ProviderStackBuilder(leaf).withMetrics(totals, time: self.time)
            .withCache(ResponseCache(time: self.time), codec: Codec()).build()
        for _ in 0..<2 { _ = try await stack.respond(to: .sample(), context: .testing()) }
        #expect(leaf.models.count == 1)
        #expect(totals.snapshot().rows.values.map(\.requests) == [2])
    }

    @Test("a budget lets nothing through that it does not cover")
    func budget() async throws {
        let leaf = TimedProvider("leaf", time: self.time)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let keeper = BudgetKeeper(
            [BudgetRule(name: "all", unit: .tokens, limit: 10, window: BudgetWindow(.total))],
            authority: MemoryBudgets(), time: self.time, logger: logger)
        let stack = ProviderStackBuilder(leaf)
            .withBudgets(keeper, tariff: .init(model: { _ in PricedModel(price: nil) }), time: self.time).build()
        var small = InferenceRequest.sample()
        small.maxOutputTokens = 5
        _ = try await stack.respond(to: small, context: .testing())
        var large = small
        large.maxOutputTokens = 500
        let error = await #expect(throws: NeedletailError.self) {
            try await stack.respond(to: large, context: .testing())
        }
        #expect(error?.code == .budgetExceeded && leaf.models.count == 1)
    }
}
