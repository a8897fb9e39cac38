import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// Under a clock of their own: how long the machine takes over a sleep must not decide who answers first.
@Suite("Router that hedges")
struct RouterHedgeTests {
    /// Answers after so long.
    private final class Slow: Provider {
        let id: ProviderID
        let calls = Atomic<Int>(0)
        let cancelled = Atomic<Int>(0)
        private let delay: Duration
        private let time: TimeSource

        init(_ id: ProviderID, _ delay: Duration, _ time: TimeSource) {
            self.id = id
            self.delay = delay
            self.time = time
        }

        func respond(
            to request: InferenceRequest, context: RequestContext
        ) async throws(NeedletailError) -> InferenceReply {
            self.calls.add(1, ordering: .relaxed)
            do { try await self.time.sleep(self.time.now().advanced(by: self.delay)) } catch {
                self.cancelled.add(1, ordering: .relaxed)
                throw NeedletailError(.cancelled, "cancelled")
            }
            let body = WireBody(dialect: .openAIChat, bytes: ByteBuffer(string: "{}"))
            return InferenceReply(provider: self.id, model: request.model, body: .complete(body, nil))
        }
    }

    private let executor = VirtualExecutor()

    private func run(_ body: @escaping @Sendable () async throws -> Void) {
        let ending = self.executor.run {
            do { try await body() } catch { Issue.record(error) }
        }
        #expect(ending == .finished)
    }

    private func router(
        _ targets: [Target], after: Duration = .milliseconds(5), budget: Double
    ) -> Router {
        Router(
            id: "group", targets: targets, balancer: .priority,
            options: RouterOptions(hedge: HedgePolicy(after: .fixed(after), budget: budget)),
            time: self.executor.time, random: .seeded(1))
    }

    private func deployment(_ name: String) -> Deployment {
        Deployment(
            Deployment.Key(provider: ProviderID(name), model: nil),
            gate: AdmissionGate(
                breaker: CircuitBreaker(CircuitBreakerPolicy()),
                limits: [
                    LimitScope("provider \(name)", LimitPolicy(concurrency: 1), now: Instant(nanoseconds: 0))
                ]))
    }

    @Test("a second target answers for a slow one, which is cancelled; both are settled")
    func wins() {
        let slow = Slow("slow", .seconds(3_600), self.executor.time)
        let fast = Slow("fast", .zero, self.executor.time)
        let places = ["slow", "fast"].map { self.deployment($0) }
        let router = self.router(
            [Target(slow, deployment: places[0]), Target(fast, deployment: places[1])], budget: 1)
        self.run {
            let context = RequestContext.testing()
            let reply = try await router.respond(to: .sample(), context: context)
            #expect(reply.provider == "fast")
            #expect(context.request.attempts == 2)
        }
        #expect(self.executor.now == Instant(nanoseconds: 5_000_000))
        #expect(slow.cancelled.load(ordering: .relaxed) == 1)
        for place in places {
            #expect(place.gate.limits[0].headroom(now: Instant(nanoseconds: .max)).running == 0)
            #expect(place.statistics.inFlight == 0)
        }
    }

    @Test("never more often than the budget allows")
    func budget() {
        let slow = Slow("slow", .milliseconds(30), self.executor.time)
        let fast = Slow("fast", .zero, self.executor.time)
        let router = self.router([Target(slow), Target(fast)], budget: 0.25)
        self.run {
            for _ in 0..<12 { _ = try await router.respond(to: .sample(), context: .testing()) }
        }
        #expect(slow.calls.load(ordering: .relaxed) == 12)
        #expect(fast.calls.load(ordering: .relaxed) == 3)
    }

    @Test("a target that answers in time is asked alone")
    func quick() {
        let quick = Slow("quick", .milliseconds(4), self.executor.time)
        let other = Slow("other", .zero, self.executor.time)
        let router = self.router([Target(quick), Target(other)], budget: 1)
        self.run {
            let reply = try await router.respond(to: .sample(), context: .testing())
            #expect(reply.provider == "quick")
        }
        #expect(other.calls.load(ordering: .relaxed) == 0)
    }

    @Test("a group inside that may ask nobody has used up no call, hedged or not", arguments: [false, true])
    func uncalled(isHedged: Bool) {
        let time = self.executor.time
        let breaker = CircuitBreaker(CircuitBreakerPolicy())
        breaker.force(.open)
        let closed = Deployment(
            Deployment.Key(provider: "closed", model: nil), gate: AdmissionGate(breaker: breaker))
        let inner = Router(
            id: "inner", targets: [Target(Slow("closed", .zero, time), deployment: closed)], balancer: .priority,
            time: time, random: .seeded(1))
        // No attempt beyond the first: what is counted and not made must not be the first.
        let outer = Router(
            id: "outer", targets: [Target(inner), Target(Slow("well", .zero, time))], balancer: .priority,
            options: RouterOptions(
                maximumAttempts: 2, retryBudget: RetryBudgetPolicy(ratio: 0, perSecond: 0),
                hedge: isHedged ? HedgePolicy(after: .fixed(.seconds(1)), budget: 1) : nil),
            time: time, random: .seeded(1))
        self.run {
            let context = RequestContext.testing()
            let reply = try await outer.respond(to: .sample(), context: context)
            #expect(reply.provider == "well")
            #expect(context.request.attempts == 1)
        }
    }

    @Test("an attempt that was taken of the budget and not made is given back")
    func givenBack() {
        let time = self.executor.time
        let breaker = CircuitBreaker(CircuitBreakerPolicy())
        breaker.force(.open)
        let closed = Deployment(
            Deployment.Key(provider: "closed", model: nil), gate: AdmissionGate(breaker: breaker))
        let inner = Router(
            id: "inner", targets: [Target(Slow("closed", .zero, time), deployment: closed)], balancer: .priority,
            time: time, random: .seeded(1))
        let failing = ScriptedProvider("failing", [.failure(NeedletailError(.upstreamFailed, "scripted"))])
        // One attempt beyond the first.
        let outer = Router(
            id: "outer", targets: [Target(failing), Target(inner), Target(Slow("well", .zero, time))],
            balancer: .priority, options: RouterOptions(retryBudget: RetryBudgetPolicy(ratio: 1, perSecond: 0)),
            time: time, random: .seeded(1))
        self.run {
            let reply = try await outer.respond(to: .sample(), context: .testing())
            #expect(reply.provider == "well")
        }
    }

    @Test("a hedge that the retry budget forbids takes nothing of the second target's limits")
    func forbidden() {
        let time = self.executor.time
        let place = Deployment(
            Deployment.Key(provider: "other", model: nil),
            gate: AdmissionGate(
                limits: [LimitScope("provider other", LimitPolicy(requestsPerMinute: 1), now: time.now())]))
        let other = Slow("other", .zero, time)
        let router = Router(
            id: "group", targets: [Target(Slow("slow", .seconds(1), time)), Target(other, deployment: place)],
            balancer: .priority,
            options: RouterOptions(
                retryBudget: RetryBudgetPolicy(ratio: 0, perSecond: 0),
                hedge: HedgePolicy(after: .fixed(.milliseconds(5)), budget: 1)),
            time: time, random: .seeded(1))
        self.run {
            let reply = try await router.respond(to: .sample(), context: .testing())
            #expect(reply.provider == "slow")
            #expect(place.gate.limits[0].headroom(now: time.now()).requests?.remaining == 1)
        }
        #expect(other.calls.load(ordering: .relaxed) == 0)
    }
}
