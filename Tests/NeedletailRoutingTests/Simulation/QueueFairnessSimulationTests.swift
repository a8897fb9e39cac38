import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

/// Who waits how long for a place that is always taken.
@Suite("Fairness of waiting")
struct QueueFairnessSimulationTests {
    /// How long requests of each key took.
    private final class Waits: SimulationObserver {
        private struct State {
            var begins: [String: (key: String, at: Instant)] = [:]
            var waits: [String: [Duration]] = [:]
        }

        private let state = Mutex(State())

        func all(_ key: String) -> [Duration] { self.state.withLock { $0.waits[key] ?? [] } }

        func record(_ event: SimulationEvent, at now: Instant) {
            self.state.withLock { state in
                switch event {
                case .requestBegan(let id, _, _, _):
                    state.begins[id] = (id.hasPrefix("0-") ? "heavy" : "light", now)
                case .requestEnded(let id, .finished, _, _, _):
                    guard let (key, began) = state.begins[id] else { return }
                    state.waits[key, default: []].append(now.duration(since: began))
                default: break
                }
            }
        }
    }

    /// A minute in which one key asks five times as much as there is room for, and another a little.
    private func waits(seed: UInt64, bug: PlantedBug? = nil) -> Waits {
        let executor = VirtualExecutor(order: .seeded(seed))
        let waits = Waits()
        var behaviour = ProviderBehaviour()
        behaviour.latency = .constant(.seconds(1))
        behaviour.tokensPerSecond = 1e9
        let place = Deployment(
            Deployment.Key(provider: "p", model: nil),
            gate: AdmissionGate(
                limits: [LimitScope("p", LimitPolicy(concurrency: 1), now: executor.now)]))
        let provider = SimulatedProvider(
            "p", ProviderModel(behaviour), seed: seed, time: executor.time, observer: waits)
        let router = Router(
            id: "g", targets: [Target(provider, deployment: place)], balancer: .priority,
            options: RouterOptions(queue: QueuePolicy(size: 40, timeout: .seconds(60))), time: executor.time,
            random: .seeded(seed))
        var heavy = TrafficModel(model: "g", rate: 5)
        heavy.key = "heavy"
        var light = TrafficModel(model: "g", rate: 0.15)
        // One at a time, so that none waits for another of its own key.
        light.isRegular = true
        light.key = "light"
        let traffic = [heavy, light]
        let gateway: any Provider = bug == .queueUnfair ? KeylessProvider(next: router) : router
        let ending = executor.run {
            await SimulatedClients(
                of: gateway, traffic: traffic, duration: .seconds(60), seed: seed, time: executor.time,
                observer: waits
            ).run()
        }
        #expect(ending == .finished)
        return waits
    }

    /// One call that runs, one that is next, and its own.
    private static let fair = Duration.seconds(3)

    @Test("a key that asks little waits for a turn and not for the queue of another", arguments: UInt64(1)...20)
    func fair(seed: UInt64) {
        let waits = self.waits(seed: seed)
        #expect(waits.all("light").allSatisfy { $0 <= Self.fair }, "seed \(seed): \(waits.all("light"))")
        #expect((waits.all("heavy").max() ?? .zero) > .seconds(10))
    }

    @Test("a queue that does not look at keys is found within three seeds")
    func planted() {
        #expect(
            (UInt64(1)...3).contains { seed in
                self.waits(seed: seed, bug: .queueUnfair).all("light").contains { $0 > Self.fair }
            })
    }
}

/// Forgets whose key it is.
private struct KeylessProvider: Provider {
    let next: any Provider
    var id: ProviderID { self.next.id }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        let info = RequestInfo(id: context.id, logger: context.logger)
        return try await self.next.respond(to: request, context: RequestContext(info, deadline: context.deadline))
    }
}
