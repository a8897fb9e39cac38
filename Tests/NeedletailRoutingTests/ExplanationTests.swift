import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

/// What is explained is what is then done, in worlds that a seed draws: breakers, limits, orders, requests that do not
/// fit, fallbacks, failures.
@Suite("Explanations")
struct ExplanationTests {
    private static let strategies: [@Sendable () -> any Balancer] = [
        { .priority }, { .roundRobin }, { .weighted }, { .leastLoaded }, { .fastestFirst }, { .latencyWeighted },
        { .loadBalanced }, { .costOptimal }, { .adaptive }, { .learned },
        { HealthBalancer(.weighted, threshold: 0.5) },
        { AffinityBalancer(.loadBalanced, rule: .conversation) },
    ]

    /// Who was asked, in order.
    private final class Calls: Sendable {
        private let names = Mutex<[ProviderID]>([])
        var all: [ProviderID] { self.names.withLock { $0 } }
        func add(_ name: ProviderID) { self.names.withLock { $0.append(name) } }
    }

    private struct Noted: Provider {
        let next: ScriptedProvider
        let calls: Calls
        var id: ProviderID { self.next.id }

        func respond(
            to request: InferenceRequest, context: RequestContext
        ) async throws(NeedletailError) -> InferenceReply {
            self.calls.add(self.id)
            return try await self.next.respond(to: request, context: context)
        }
    }

    /// Draws targets.
    private final class World {
        let time = JumpingTime()
        let calls = Calls()
        var random: SplitMix

        init(_ seed: UInt64) {
            self.random = SplitMix(seed)
        }

        func target(_ name: String) -> Target {
            let codes: [NeedletailError.Code] = [.upstreamFailed, .overloaded, .rateLimited, .malformedReply]
            let failures = Int(self.random.next() % 3)
            let provider = ScriptedProvider(
                ProviderID(name),
                (0..<failures).map { _ in
                    .failure(NeedletailError(codes[Int(self.random.next() % 4)], "scripted"))
                })
            let limits = LimitPolicy(requestsPerMinute: self.random.unit() < 0.3 ? 1 : nil)
            let deployment = Deployment(
                Deployment.Key(provider: ProviderID(name), model: nil),
                gate: AdmissionGate(limits: [LimitScope(name, limits, now: self.time.now)]))
            let now = self.time.now
            switch self.random.next() % 8 {
            case 0: deployment.gate.breaker.trip(now: now)
            case 1: deployment.gate.breaker.force(.open)
            case 2: _ = deployment.gate.admit(RequestSize(input: 1, output: 1), now: now)
            default: break
            }
            for _ in 0..<(self.random.next() % 4) {
                deployment.statistics.begin()
                let isWell = self.random.unit() < 0.7
                let latency = Duration.milliseconds(Int(self.random.next() % 900))
                if isWell { deployment.statistics.commit(latency: latency, isStreamed: false, now: now) }
                deployment.statistics.end(
                    AttemptResult(isWell ? .success : .failure, latency: latency), isCommitted: isWell, now: now)
            }
            let reason: NeedletailError.Reason? = self.random.unit() < 0.5 ? .contextWindow : nil
            let isUnfit = self.random.unit() < 0.15
            return Target(
                Noted(next: provider, calls: self.calls), priority: Int(self.random.next() % 3),
                weight: Double(self.random.next() % 4),
                deployment: deployment, price: .perToken(input: Int64(self.random.next() % 9), output: 7),
                judge: { _, _ in
                    guard isUnfit else { return nil }
                    var error = NeedletailError(.unsupported, "It does not fit.")
                    error.reason = reason
                    return error
                })
        }
    }

    @Test("equal what is then done", arguments: 0..<strategies.count)
    func equal(strategy: Int) async {
        for seed in 1...150 as ClosedRange<UInt64> {
            let world = World(seed &* 31 &+ UInt64(strategy))
            let own = (0..<Int(1 + world.random.next() % 5)).map { world.target("own\($0)") }
            let more = (0..<Int(world.random.next() % 3)).map { world.target("fallback\($0)") }
            let long = (0..<Int(world.random.next() % 2)).map { world.target("long\($0)") }
            let router = Router(
                id: "group", targets: own, balancer: Self.strategies[strategy](),
                fallbacks: FallbackTargets(any: more, contextWindow: long),
                options: RouterOptions(
                    maximumAttempts: 1 + Int(world.random.next() % 4), queue: QueuePolicy(size: 0),
                    limits: world.random.unit() < 0.1
                        ? [LimitScope("group", LimitPolicy(tokensPerMinute: 1), now: world.time.now)] : []),
                time: world.time.source, random: .seeded(seed))
            let request = InferenceRequest.sample()
            var context = RequestContext.testing()
            context.draw = seed
            guard let told = router.explanation(of: request, context: context) else {
                Issue.record("seed \(seed): nothing is explained")
                continue
            }
            // Asked twice it says the same: nothing has changed by it.
            let again = router.explanation(of: request, context: context)
            #expect(again?.order == told.order, "seed \(seed)")
            let failure = await Self.failure(of: router, request, context)
            let asked = world.calls.all
            let expected = told.order.compactMap { told.candidate($0)?.deployment.provider }
            #expect(asked.first == expected.first, "seed \(seed)")
            #expect(asked.count <= told.maximumAttempts, "seed \(seed)")
            let kept = Set(told.candidates.filter(\.isKept).map(\.deployment.provider))
            #expect(kept.isSuperset(of: asked), "seed \(seed): \(asked) of \(kept)")
            if expected.isEmpty {
                #expect(failure?.code == told.failure?.code, "seed \(seed)")
                #expect(failure?.message == told.failure?.message, "seed \(seed)")
            }
            // Strategies that remember nothing are foretold whole.
            if [0, 7].contains(strategy) {
                var first: [ProviderID] = []
                for name in asked where !first.contains(name) { first.append(name) }
                #expect(first == Array(expected.prefix(first.count)), "seed \(seed)")
            }
        }
    }

    private static func failure(
        of router: Router, _ request: InferenceRequest, _ context: RequestContext
    ) async -> NeedletailError? {
        do throws(NeedletailError) {
            _ = try await router.respond(to: request, context: context)
            return nil
        } catch {
            return error
        }
    }
}
