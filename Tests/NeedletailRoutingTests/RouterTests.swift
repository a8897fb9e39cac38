import NIOCore
import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

private func request(_ model: String = "m") -> InferenceRequest {
    InferenceRequest(
        operation: .chat,
        model: model,
        body: .wire(WireBody(dialect: .openAIChat, bytes: ByteBuffer()), BodyLandmarks()),
        replyDialect: .openAIChat
    )
}

private func failing(_ code: NeedletailError.Code, times: Int, retryAfter: Duration? = nil) -> [ScriptedProvider.Step] {
    Array(repeating: .failure(NeedletailError(code, "scripted", retryAfter: retryAfter)), count: times)
}

@Suite("Router")
struct RouterTests {
    private let time = JumpingTime()

    private func router(
        _ providers: [ScriptedProvider],
        balancer: any Balancer = .priority,
        maximumAttempts: Int = 3,
        retry: RetryPolicy = RetryPolicy(backoff: Backoff(hasJitter: false))
    ) -> Router {
        Router(
            id: "group",
            targets: providers.map { Target($0, retry: retry) },
            balancer: balancer,
            maximumAttempts: maximumAttempts,
            time: self.time.source,
            random: .seeded(1)
        )
    }

    @Test("a lone target is asked again after the pause that it asked for")
    func retryAfter() async throws {
        let base = ScriptedProvider("a", failing(.rateLimited, times: 1, retryAfter: .seconds(7)))
        let reply = try await self.router([base]).respond(to: request(), context: .testing())
        #expect(reply.provider == "a")
        #expect(base.callCount == 2)
        #expect(self.time.sleeps == [.seconds(7)])
    }

    @Test("a key that may use some providers is answered by these alone, whatever becomes of them")
    func allowedProviders() async throws {
        let (first, second) = (ScriptedProvider("eu-1", failing(.upstreamFailed, times: 9)), ScriptedProvider("us-1"))
        let router = self.router([second, first])
        await #expect(throws: NeedletailError.self) {
            try await router.respond(to: request(), context: .testing(allowedProviders: ["eu-*"]))
        }
        #expect(second.callCount == 0 && first.callCount > 0)
        let error = await #expect(throws: NeedletailError.self) {
            try await router.respond(to: request(), context: .testing(allowedProviders: ["ap-*"]))
        }
        #expect(error?.code == .forbidden)
        let inside = Router(
            id: "outer", targets: [Target(router)], balancer: .priority, time: self.time.source, random: .seeded(1))
        #expect(
            try await inside.respond(to: request(), context: .testing(allowedProviders: ["us-1"])).provider == "us-1")
    }

    @Test("a target's model and dialect are what its provider is asked for")
    func target() async throws {
        let base = ScriptedProvider("a")
        let router = Router(
            id: "group", targets: [Target(base, model: "x", dialect: .openAIResponses)], balancer: .priority,
            maximumAttempts: 1, time: self.time.source, random: .seeded(1))
        _ = try await router.respond(to: request(), context: .testing())
        #expect(base.requests.map(\.model) == ["x"])
        #expect(base.requests.map(\.upstreamDialect) == [.openAIResponses])
    }

    @Test("without a hint the pause grows by the backoff's factor")
    func backoff() async throws {
        let base = ScriptedProvider("a", failing(.upstreamFailed, times: 2))
        _ = try await self.router([base]).respond(to: request(), context: .testing())
        #expect(self.time.sleeps == [.seconds(1), .seconds(2)])
    }

    @Test("a hint longer than the longest pause is told to the client instead")
    func longHint() async {
        let base = ScriptedProvider("a", failing(.rateLimited, times: 1, retryAfter: .seconds(31)))
        let error = await #expect(throws: NeedletailError.self) {
            try await self.router([base]).respond(to: request(), context: .testing())
        }
        #expect(error?.retryAfter == .seconds(31))
        #expect(base.callCount == 1)
    }

    @Test(
        "what every target would say is final",
        arguments: [NeedletailError.Code.invalidRequest, .unprocessable, .tooLarge, .cancelled])
    func final(code: NeedletailError.Code) async {
        let base = ScriptedProvider("a", failing(code, times: 1))
        let other = ScriptedProvider("b")
        let error = await #expect(throws: NeedletailError.self) {
            try await self.router([base, other]).respond(to: request(), context: .testing())
        }
        #expect(error?.code == code)
        #expect(other.callCount == 0)
    }

    @Test(
        "another target is asked at once",
        arguments: [
            NeedletailError.Code.upstreamFailed, .overloaded, .unreachable, .timedOut, .malformedReply, .rateLimited,
            .credentialRejected, .quotaExhausted, .notFound, .modelForbidden, .unsupported, .conflict,
        ])
    func failover(code: NeedletailError.Code) async throws {
        let base = ScriptedProvider("a", failing(code, times: 9))
        let other = ScriptedProvider("b")
        let reply = try await self.router([base, other]).respond(to: request(), context: .testing())
        #expect(reply.provider == "b")
        #expect(base.callCount == 1)
        #expect(self.time.sleeps.isEmpty)
    }

    @Test(
        "a lone target that would say the same again is asked once",
        arguments: [NeedletailError.Code.credentialRejected, .notFound, .malformedReply, .unsupported])
    func hopeless(code: NeedletailError.Code) async {
        let base = ScriptedProvider("a", failing(code, times: 9))
        await #expect(throws: NeedletailError.self) {
            try await self.router([base]).respond(to: request(), context: .testing())
        }
        #expect(base.callCount == 1)
    }

    @Test("another key of the same target is tried at once")
    func otherCredential() async throws {
        var error = NeedletailError(.credentialRejected, "scripted")
        error.hasOtherCredential = true
        let base = ScriptedProvider("a", [.failure(error)])
        _ = try await self.router([base]).respond(to: request(), context: .testing())
        #expect(base.callCount == 2)
        #expect(self.time.sleeps.isEmpty)
    }

    @Test("the calls of a request never exceed the group's count", arguments: 1...6)
    func groupLimit(maximum: Int) async {
        let providers = (0..<3).map { ScriptedProvider(ProviderID("p\($0)"), failing(.overloaded, times: 99)) }
        let context = RequestContext.testing()
        let retry = RetryPolicy(maximumAttempts: 99)
        await #expect(throws: NeedletailError.self) {
            try await self.router(providers, maximumAttempts: maximum, retry: retry)
                .respond(to: request(), context: context)
        }
        #expect(providers.reduce(0) { $0 + $1.callCount } == maximum)
        #expect(context.request.attempts == maximum)
    }

    @Test("the calls to one target never exceed its own count", arguments: 1...4)
    func targetLimit(maximum: Int) async {
        let base = ScriptedProvider("a", failing(.overloaded, times: 99))
        await #expect(throws: NeedletailError.self) {
            try await self.router([base], maximumAttempts: 99, retry: RetryPolicy(maximumAttempts: maximum))
                .respond(to: request(), context: .testing())
        }
        #expect(base.callCount == maximum)
    }

    @Test("a pause never crosses the deadline")
    func deadline() async {
        let base = ScriptedProvider("a", failing(.overloaded, times: 9, retryAfter: .seconds(20)))
        let context = RequestContext.testing(deadline: Instant(nanoseconds: 1_000_000_000))
        await #expect(throws: NeedletailError.self) {
            try await self.router([base]).respond(to: request(), context: context)
        }
        #expect(base.callCount == 1)
        #expect(self.time.sleeps.isEmpty)
    }

    @Test("round robin gives each target its turn, and the next one when a target fails")
    func roundRobin() async throws {
        let providers = (0..<3).map { ScriptedProvider(ProviderID("p\($0)")) }
        let router = self.router(providers, balancer: .roundRobin)
        for _ in 0..<9 { _ = try await router.respond(to: request(), context: .testing()) }
        #expect(providers.map(\.callCount) == [3, 3, 3])
    }

    @Test("the lowest priority number is asked first, whatever its place")
    func priority() async throws {
        let low = ScriptedProvider("low")
        let high = ScriptedProvider("high")
        let router = Router(
            id: "group",
            targets: [Target(low, priority: 2), Target(high, priority: 1)],
            balancer: .priority,
            time: self.time.source,
            random: .seeded(1)
        )
        #expect(try await router.respond(to: request(), context: .testing()).provider == "high")
    }

    @Test("a target's own model replaces the client's, a bare target passes it on")
    func model() async throws {
        let named = ScriptedProvider("a", failing(.overloaded, times: 1))
        let bare = ScriptedProvider("b")
        let router = Router(
            id: "group",
            targets: [Target(named, model: "gpt-x"), Target(bare)],
            balancer: .priority,
            time: self.time.source,
            random: .seeded(1)
        )
        _ = try await router.respond(to: request("asked"), context: .testing())
        #expect(named.requests.map(\.model) == ["gpt-x"])
        #expect(bare.requests.map(\.model) == ["asked"])
    }
}

@Suite("Backoff")
struct BackoffTests {
    @Test("never longer than the maximum, whatever the numbers", arguments: 0..<200)
    func bounded(seed: UInt64) {
        let random = RandomSource.seeded(seed)
        let backoff = Backoff(
            base: .milliseconds(Int64(random.next() % 100_000)),
            factor: random.unit() * 1e6,
            maximum: .seconds(30)
        )
        for repetition in [1, 2, 5, 64, 1_000_000] {
            let delay = backoff.delay(beforeRepetition: repetition, unit: random.unit())
            #expect(delay >= .zero && delay <= .seconds(30), "seed \(seed)")
        }
    }
}
