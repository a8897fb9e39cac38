import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

/// How a provider comes back after an outage.
@Suite("Slow start in a simulation")
struct SlowStartSimulationTests {
    /// When which provider was called.
    private final class Calls: SimulationObserver {
        private let calls = Mutex<[(provider: ProviderID, at: Instant)]>([])

        var all: [(provider: ProviderID, at: Instant)] { self.calls.withLock { $0 } }

        func record(_ event: SimulationEvent, at now: Instant) {
            if case .callBegan(let provider, _, _) = event { self.calls.withLock { $0.append((provider, now)) } }
        }
    }

    /// The share of calls that a provider gets in the first quarter of its way back, beside one that was never out.
    private func share(seed: UInt64, bug: PlantedBug? = nil) -> Double? {
        let executor = VirtualExecutor(order: .seeded(seed))
        let calls = Calls()
        var behaviour = ProviderBehaviour()
        behaviour.latency = .uniform(.milliseconds(50), .milliseconds(150))
        behaviour.tokensPerSecond = 1e6
        var out = behaviour
        out.faults = [.init(.failure(.upstreamFailed), rate: 1)]
        let returning = Deployment(
            Deployment.Key(provider: "returning", model: nil),
            gate: AdmissionGate(
                breaker: CircuitBreaker(CircuitBreakerPolicy(failureThreshold: 3, recoveryTimeout: .seconds(2)))))
        let models: [(ProviderID, ProviderModel, Deployment?)] = [
            (
                "returning", ProviderModel(behaviour, phases: [.init(from: .seconds(5), until: .seconds(10), out)]),
                returning
            ),
            ("steady", ProviderModel(behaviour), nil),
        ]
        let targets = models.map { id, model, deployment in
            Target(
                SimulatedProvider(id, model, seed: seed, time: executor.time, observer: calls), deployment: deployment)
        }
        let balancer: any Balancer =
            bug == .slowStartSkipped ? .roundRobin : SlowStartBalancer(.roundRobin, window: .seconds(20))
        let router = Router(
            id: "g", targets: targets, balancer: balancer, time: executor.time, random: .seeded(seed))
        let ending = executor.run {
            await SimulatedClients(
                of: router, traffic: [TrafficModel(model: "g", rate: 30)], duration: .seconds(40), seed: seed,
                time: executor.time, observer: calls
            ).run()
        }
        #expect(ending == .finished)
        guard let back = returning.statistics.recoveredAt else { return nil }
        let first = calls.all.filter { $0.at > back && $0.at < back.advanced(by: .seconds(5)) }
        return Double(first.count { $0.provider == "returning" }) / Double(max(1, first.count))
    }

    @Test("a provider that comes back gets little at first", arguments: UInt64(1)...10)
    func slow(seed: UInt64) throws {
        // From a tenth to a quarter of the half that it will get.
        let share = try #require(self.share(seed: seed))
        #expect((0.01...0.25).contains(share), "seed \(seed): \(share)")
    }

    @Test("a slow start that is skipped is found by the first seed")
    func planted() throws {
        let share = try #require(self.share(seed: 1, bug: .slowStartSkipped))
        #expect(share > 0.25)
    }
}
