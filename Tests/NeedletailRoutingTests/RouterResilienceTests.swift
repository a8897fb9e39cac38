import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

private func failing(_ code: NeedletailError.Code, times: Int, retryAfter: Duration? = nil) -> [ScriptedProvider.Step] {
    Array(repeating: .failure(NeedletailError(code, "scripted", retryAfter: retryAfter)), count: times)
}

private func deployment(
    _ name: String, breaker: CircuitBreakerPolicy? = CircuitBreakerPolicy(), limits: LimitPolicy? = nil
) -> Deployment {
    Deployment(
        Deployment.Key(provider: ProviderID(name), model: nil),
        gate: AdmissionGate(
            breaker: CircuitBreaker(breaker),
            limits: limits.map { [LimitScope("provider \(name)", $0, now: Instant(nanoseconds: 0))] } ?? []))
}

@Suite("Router under breakers, limits and budgets")
struct RouterResilienceTests {
    private let time = JumpingTime()
    private let request = InferenceRequest.sample()

    private func router(
        _ targets: [Target], fallbacks: FallbackTargets = FallbackTargets(), options: RouterOptions = RouterOptions()
    ) -> Router {
        Router(
            id: "group", targets: targets, balancer: .priority, fallbacks: fallbacks, options: options,
            time: self.time.source, random: .seeded(1))
    }

    private func error(_ router: Router, _ context: RequestContext = .testing()) async -> NeedletailError? {
        await #expect(throws: NeedletailError.self) {
            _ = try await router.respond(to: self.request, context: context)
        }
    }

    private let once = RetryPolicy(maximumAttempts: 1)

    @Test("an open breaker keeps calls away; alone it makes a 503 that says when to come again")
    func open() async {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 99))
        let place = deployment("a", breaker: CircuitBreakerPolicy(failureThreshold: 2))
        let router = self.router([Target(base, retry: self.once, deployment: place)])
        for _ in 0..<2 { #expect(await self.error(router)?.code == .upstreamFailed) }
        let error = await self.error(router)
        #expect(error?.code == .unavailable)
        #expect((error?.retryAfter ?? .zero) >= .seconds(60) && (error?.retryAfter ?? .zero) <= .seconds(66))
        #expect(base.callCount == 2)
        self.time.advance(by: .seconds(66))
        #expect(await self.error(router)?.code == .upstreamFailed)
        #expect(base.callCount == 3)
    }

    @Test("with a breaker open the other target gets everything, and it comes back by probes")
    func recovery() async throws {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 2))
        let other = ScriptedProvider("b")
        let place = deployment("a", breaker: CircuitBreakerPolicy(failureThreshold: 2, successThreshold: 2))
        let router = self.router([Target(base, deployment: place), Target(other)])
        for _ in 0..<5 { _ = try await router.respond(to: self.request, context: .testing()) }
        #expect(base.callCount == 2 && other.callCount == 5)
        self.time.advance(by: .seconds(66))
        for _ in 0..<2 { _ = try await router.respond(to: self.request, context: .testing()) }
        #expect(base.callCount == 4)
        #expect(place.gate.breaker.snapshot(now: self.time.now).word == "closed")
    }

    @Test(
        "what is not the target's fault opens no breaker",
        arguments: [NeedletailError.Code.invalidRequest, .rateLimited, .cancelled, .credentialRejected, .unsupported])
    func blameless(code: NeedletailError.Code) async {
        let base = ScriptedProvider("a", failing(code, times: 99))
        let place = deployment("a", breaker: CircuitBreakerPolicy(failureThreshold: 1))
        let router = self.router([Target(base, retry: self.once, deployment: place)])
        for _ in 0..<5 { _ = await self.error(router) }
        #expect(place.gate.breaker.snapshot(now: self.time.now).word == "closed")
        #expect(base.callCount == 5)
    }

    @Test("a client that leaves a stream is nobody's failure and frees its place")
    func abandoned() async throws {
        let base = ScriptedProvider("a", Array(repeating: .stream(["a", "b"]), count: 9))
        let place = deployment(
            "a", breaker: CircuitBreakerPolicy(failureThreshold: 1), limits: LimitPolicy(concurrency: 1))
        let router = self.router([Target(base, deployment: place)])
        for _ in 0..<3 { _ = try await router.respond(to: self.request, context: .testing()) }
        #expect(base.callCount == 3)
        #expect(place.gate.limits[0].headroom(now: self.time.now).running == 0)
    }

    @Test("a stream that breaks after its beginning counts as a failure, once")
    func brokenStream() async throws {
        let base = ScriptedProvider("a", [.broken(["a"], NeedletailError(.unreachable, "cut"))])
        let place = deployment(
            "a", breaker: CircuitBreakerPolicy(failureThreshold: 1), limits: LimitPolicy(concurrency: 1))
        let router = self.router([Target(base, deployment: place)])
        let reply = try await router.respond(to: self.request, context: .testing())
        guard case .stream(let stream) = reply.body else {
            Issue.record("no stream")
            return
        }
        #expect(place.gate.breaker.snapshot(now: self.time.now).word == "closed")
        await #expect(throws: NeedletailError.self) { for try await _ in stream {} }
        #expect(place.gate.breaker.snapshot(now: self.time.now).word == "open")
        #expect(place.gate.limits[0].headroom(now: self.time.now).running == 0)
        #expect(base.callCount == 1)
    }

    // MARK: Limits

    @Test("a limited target makes way; when all are limited it is a 429 with the earliest time")
    func limited() async throws {
        let providers = [ScriptedProvider("a"), ScriptedProvider("b")]
        let router = self.router([
            Target(providers[0], deployment: deployment("a", limits: LimitPolicy(requestsPerMinute: 2))),
            Target(providers[1], deployment: deployment("b", limits: LimitPolicy(requestsPerMinute: 1))),
        ])
        for _ in 0..<3 { _ = try await router.respond(to: self.request, context: .testing()) }
        #expect(providers.map(\.callCount) == [2, 1])
        let error = await self.error(router)
        #expect(error?.code == .rateLimited)
        #expect(error?.retryAfter == .seconds(30))
        self.time.advance(by: .seconds(30))
        _ = try await router.respond(to: self.request, context: .testing())
        #expect(providers.map(\.callCount) == [3, 1])
    }

    @Test("who is refused without a call has used nothing of the group's limits")
    func groupLimit() async throws {
        let place = deployment("a")
        place.gate.breaker.force(.open)
        let scope = LimitScope("model group", LimitPolicy(requestsPerMinute: 1), now: self.time.now)
        let router = self.router(
            [Target(ScriptedProvider("a"), deployment: place)], options: RouterOptions(limits: [scope]))
        for _ in 0..<2 { #expect(await self.error(router)?.code == .unavailable) }
        place.gate.breaker.force(nil)
        _ = try await router.respond(to: self.request, context: .testing())
        #expect(await self.error(router)?.code == .rateLimited)
    }

    @Test("limited and open together are a 503, which says when the first is there again")
    func mixed() async {
        let places = [deployment("a", limits: LimitPolicy(requestsPerMinute: 1)), deployment("b")]
        places[1].gate.breaker.force(.open)
        let router = self.router([
            Target(ScriptedProvider("a"), deployment: places[0]), Target(ScriptedProvider("b"), deployment: places[1]),
        ])
        _ = try? await router.respond(to: self.request, context: .testing())
        let error = await self.error(router)
        #expect(error?.code == .unavailable)
        #expect(error?.retryAfter == .seconds(60))
    }

    @Test("forwarded refusals stay a 429 when every target made one, and become the failure otherwise")
    func forwarded() async {
        let limits = [
            ScriptedProvider("a", failing(.rateLimited, times: 9, retryAfter: .seconds(90))),
            ScriptedProvider("b", failing(.rateLimited, times: 9, retryAfter: .seconds(50))),
        ]
        let all = await self.error(self.router(limits.map { Target($0) }))
        #expect(all?.code == .rateLimited)
        #expect(all?.retryAfter == .seconds(50))
        let mixed = await self.error(
            self.router([
                Target(ScriptedProvider("c", failing(.upstreamFailed, times: 9)), retry: self.once),
                Target(ScriptedProvider("d", failing(.rateLimited, times: 9, retryAfter: .seconds(50)))),
            ]))
        #expect(mixed?.code == .upstreamFailed)
    }

    @Test("a provider is not called before the time that it asked for, by whatever request")
    func pushback() async throws {
        let base = ScriptedProvider("a", failing(.rateLimited, times: 1, retryAfter: .seconds(40)))
        let router = self.router([Target(base)])
        #expect(await self.error(router)?.retryAfter == .seconds(40))
        self.time.advance(by: .seconds(39) - .nanoseconds(1))
        // Near enough to be waited for.
        _ = try await router.respond(to: self.request, context: .testing())
        #expect(self.time.now == Instant(nanoseconds: 40_000_000_000))
        #expect(base.callCount == 2)
    }

    @Test("tokens are estimated at admission and settled by the usage")
    func tokens() async throws {
        let base = ScriptedProvider("a")
        let place = deployment("a", limits: LimitPolicy(tokensPerMinute: 1_000))
        var request = self.request
        request.estimatedInputTokens = 400
        request.maxOutputTokens = 500
        let router = self.router([Target(base, deployment: place)])
        _ = try await router.respond(to: request, context: .testing())
        // The script's usage is one token.
        #expect(place.gate.limits[0].headroom(now: self.time.now).tokens?.remaining == 999)
    }

    // MARK: Attempts

    @Test("nested routers share the attempts of the request", arguments: 1...6)
    func nested(maximum: Int) async {
        let leaves = (0..<4).map { ScriptedProvider(ProviderID("p\($0)"), failing(.upstreamFailed, times: 99)) }
        let inner = (0..<2).map { index in
            Router(
                id: ProviderID("inner\(index)"), targets: leaves[(index * 2)...(index * 2 + 1)].map { Target($0) },
                balancer: .priority, maximumAttempts: 5, time: self.time.source, random: .seeded(1))
        }
        let outer = self.router(inner.map { Target($0) }, options: RouterOptions(maximumAttempts: maximum))
        let context = RequestContext.testing()
        _ = await self.error(outer, context)
        #expect(leaves.reduce(0) { $0 + $1.callCount } == maximum)
        #expect(context.request.attempts == maximum)
    }

    @Test("what the client's SDK has tried before is counted", arguments: [(0, 3), (1, 2), (2, 1), (5, 1)])
    func clientRetries(count: Int, calls: Int) async {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 99))
        let context = RequestContext(
            RequestInfo(id: "r", clientRetryCount: count, logger: RequestContext.testing().logger))
        let error = await self.error(self.router([Target(base)]), context)
        #expect(base.callCount == calls)
        #expect(error?.isExhausted == true)
    }

    @Test("the retry budget of a group bounds what an outage is multiplied by")
    func budget() async {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 10_000))
        let router = self.router(
            [
                Target(
                    base, retry: RetryPolicy(backoff: Backoff(base: .zero)), deployment: deployment("a", breaker: nil))
            ],
            options: RouterOptions(retryBudget: RetryBudgetPolicy(ratio: 0.1, perSecond: 5)))
        for _ in 0..<100 { _ = await self.error(router) }
        #expect(base.callCount == 100 + 10 + 5)
    }

    @Test("a deadline that has passed allows no call")
    func deadline() async {
        let base = ScriptedProvider("a")
        self.time.advance(by: .seconds(2))
        let error = await self.error(
            self.router([Target(base)]), .testing(deadline: Instant(nanoseconds: 1_000_000_000)))
        #expect(error?.code == .timedOut)
        #expect(base.callCount == 0)
    }

    // MARK: Fallbacks

    @Test("fallbacks are asked in order when no own target is left, at once")
    func fallbacks() async throws {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 9))
        let spare = [ScriptedProvider("b", failing(.upstreamFailed, times: 9)), ScriptedProvider("c")]
        let router = self.router([Target(base)], fallbacks: FallbackTargets(any: spare.map { Target($0, priority: 9) }))
        #expect(try await router.respond(to: self.request, context: .testing()).provider == "c")
        #expect(base.callCount == 1 && spare[0].callCount == 1)
        #expect(self.time.sleeps.isEmpty)
    }

    @Test(
        "a refusal of the request leads to the targets for its reason, and nowhere else",
        arguments: [NeedletailError.Reason.contextWindow, .contentFilter])
    func reasons(reason: NeedletailError.Reason) async throws {
        var refusal = NeedletailError(.invalidRequest, "refused")
        refusal.reason = reason
        func base() -> ScriptedProvider { ScriptedProvider("a", [.failure(refusal)]) }
        let other = ScriptedProvider("b")
        let large = ScriptedProvider("large")
        let lenient = ScriptedProvider("lenient")
        let router = self.router(
            [Target(base()), Target(other)],
            fallbacks: FallbackTargets(contextWindow: [Target(large)], contentFilter: [Target(lenient)]))
        let reply = try await router.respond(to: self.request, context: .testing())
        #expect(reply.provider == (reason == .contextWindow ? "large" : "lenient"))
        #expect(other.callCount == 0)
        let bare = await self.error(self.router([Target(base()), Target(other)]))
        #expect(bare?.reason == reason)
    }

    @Test("a target that cannot answer is not asked, and its reason is told where nobody can")
    func judged() async throws {
        let judge: @Sendable (InferenceRequest, String) -> NeedletailError? = { _, _ in
            NeedletailError(.unsupported, "no images")
        }
        let base = ScriptedProvider("a")
        let other = ScriptedProvider("b")
        let context = RequestContext.testing()
        let router = self.router([Target(base, judge: judge), Target(other)])
        #expect(try await router.respond(to: self.request, context: context).provider == "b")
        #expect(context.request.attempts == 1)
        #expect(await self.error(self.router([Target(base, judge: judge)]))?.code == .unsupported)
        #expect(base.callCount == 0)
    }

    // MARK: Waiting

    @Test("with a queue a request waits for the first limit to end, as far as the queue's time allows")
    func queued() async throws {
        let base = ScriptedProvider("a")
        let place = deployment("a", limits: LimitPolicy(requestsPerMinute: 1))
        func router(_ timeout: Duration) -> Router {
            self.router(
                [Target(base, deployment: place)],
                options: RouterOptions(queue: QueuePolicy(size: 10, timeout: timeout, waitsForRates: true)))
        }
        _ = try await router(.seconds(90)).respond(to: self.request, context: .testing())
        #expect(await self.error(router(.seconds(59)))?.retryAfter == .seconds(60))
        #expect(self.time.now == Instant(nanoseconds: 0))
        let context = RequestContext.testing(deadline: Instant(nanoseconds: 59_000_000_000))
        #expect(await self.error(router(.seconds(90)), context)?.code == .rateLimited)
        _ = try await router(.seconds(90)).respond(to: self.request, context: .testing())
        #expect(self.time.now == Instant(nanoseconds: 60_000_000_000))
        #expect(base.callCount == 2)
    }
}
