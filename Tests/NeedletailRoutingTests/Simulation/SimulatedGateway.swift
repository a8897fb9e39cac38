import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailRouting

/// The routers of a world over its places; a configuration that is read again in the middle of the run puts new routers
/// in the place of the old ones, over the same deployments.
final class SimulatedGateway: Provider {
    let id: ProviderID = "gateway"
    let bugs = PlantedBugState()
    private let world: SimulatedWorld
    private let bug: PlantedBug?
    private let executor: VirtualExecutor
    private let observer: InvariantObserver
    private let random: RandomSource
    private let deployments: [Deployment]
    private let leaves: [any Provider]
    private let models: [SimulatedProvider]
    private let routers: Mutex<[String: any Provider]>

    init(_ world: SimulatedWorld, bug: PlantedBug?, _ executor: VirtualExecutor, _ observer: InvariantObserver) {
        self.world = world
        self.bug = bug
        self.executor = executor
        self.observer = observer
        self.random = bug == .randomSourceNotSeeded ? .live : .seeded(world.seed)
        let now = executor.time.now()
        self.deployments = world.places.map { place in
            Deployment(
                Deployment.Key(provider: ProviderID(place.name), model: nil),
                gate: AdmissionGate(
                    breaker: CircuitBreaker(place.breaker.map { Self.policy($0, bug) }),
                    limits: [LimitScope(place.name, Self.limits(place.limits, bug), now: now)]))
        }
        self.models = world.places.map { place in
            SimulatedProvider(
                ProviderID(place.name), place.model, seed: world.seed, time: executor.time, observer: observer)
        }
        let (bugs, deployments) = (self.bugs, self.deployments)
        self.leaves = self.models.enumerated().map { index, model in
            bug?.wrap(model, deployments[index], bugs, executor) ?? model
        }
        self.routers = Mutex([:])
        self.build()
    }

    private static func policy(_ policy: CircuitBreakerPolicy, _ bug: PlantedBug?) -> CircuitBreakerPolicy {
        var policy = policy
        if bug == .halfOpenAdmitsTwo { policy.halfOpenLimit += 1 }
        if bug == .openAdmitsOne { policy.recoveryTimeout = .zero }
        return policy
    }

    private static func limits(_ limits: LimitPolicy, _ bug: PlantedBug?) -> LimitPolicy {
        var limits = limits
        if bug == .refillOverBurst, let burst = limits.burst { limits.burst = burst + 1 }
        return limits
    }

    func respond(
        to request: InferenceRequest, context: RequestContext
    ) async throws(NeedletailError) -> InferenceReply {
        guard let router = self.routers.withLock({ $0[request.model] }) else {
            throw NeedletailError(.notFound, "There is no group of this name.")
        }
        return try await router.respond(to: request, context: context)
    }

    /// Reads the configuration again.
    func reload(after pause: Duration) async {
        let time = self.executor.time
        guard (try? await time.sleep(time.now().advanced(by: pause))) != nil else { return }
        if self.bug != .staleSnapshotAfterReload { self.build(without: self.world.removed) }
        self.observer.reloaded(at: time.now())
    }

    private func build(without removed: Int? = nil) {
        var routers: [String: any Provider] = [:]
        for group in self.world.groups.reversed() {
            let router = self.router(group, routers, without: removed)
            let scopes = self.deployments.flatMap(\.gate.limits)
            routers[group.name] = self.bug?.wrap(router, scopes, self.executor) ?? router
        }
        self.routers.withLock { $0 = routers }
    }

    private func router(
        _ group: SimulatedWorld.Group, _ built: [String: any Provider], without removed: Int?
    ) -> any Provider {
        let targets = group.members.enumerated().compactMap { rank, member -> Target? in
            switch member {
            case .place(let index) where index == removed: return nil
            case .place(let index):
                return Target(
                    self.leaves[index], priority: rank, weight: Double(1 + rank), retry: group.retry,
                    deployment: self.deployments[index],
                    price: .perToken(input: Int64(1 + rank), output: Int64(10 - rank)))
            case .group(let index):
                let name = self.world.groups[index].name
                guard let inner = built[name] else { return nil }
                return Target(
                    self.bug?.wrapInner(inner) ?? inner, priority: rank, retry: group.retry,
                    deployment: Deployment(
                        Deployment.Key(provider: ProviderID(name), model: nil),
                        gate: AdmissionGate(breaker: CircuitBreaker(nil))))
            }
        }
        var options = group.options
        if self.bug == .attemptCountOffByOne { options.maximumAttempts += 1 }
        return Router(
            id: ProviderID(group.name), targets: targets,
            balancer: Self.balancer(group.strategy), options: options, time: self.executor.time, random: self.random)
    }

    private static func balancer(_ number: Int) -> any Balancer {
        let strategies: [any Balancer] = [
            .priority, .roundRobin, .weighted, .leastLoaded, .fastestFirst, .latencyWeighted, .loadBalanced,
            .costOptimal, .adaptive, .learned,
        ]
        let base = strategies[number % strategies.count]
        switch number / strategies.count % 4 {
        case 0: return HealthBalancer(base, threshold: 0.6)
        case 1: return SlowStartBalancer(base, window: .seconds(10))
        case 2: return SlowStartBalancer(HealthBalancer(base, threshold: 0.4), window: .seconds(5))
        default: return base
        }
    }

    /// What should have been given back and was not.
    func leaks() -> [String] {
        let now = self.executor.time.now()
        var found: [String] = []
        for deployment in self.deployments {
            if deployment.statistics.inFlight != 0 {
                found.append("\(deployment.key): \(deployment.statistics.inFlight) calls in flight at the end")
            }
            let probes = deployment.gate.breaker.snapshot(now: now).probes
            if probes != 0 { found.append("\(deployment.key): \(probes) probes at the end") }
            for limit in deployment.gate.limits where limit.headroom(now: now).running != 0 {
                found.append("\(deployment.key): \(limit.headroom(now: now).running) places taken at the end")
            }
        }
        for model in self.models where model.inFlight != 0 {
            found.append("\(model.id): \(model.inFlight) calls never ended")
        }
        return found
    }
}
