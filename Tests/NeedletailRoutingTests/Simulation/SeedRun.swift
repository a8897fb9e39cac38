import NeedletailCore
import NeedletailTesting
import Synchronization

@testable import NeedletailRouting

/// One seed's run.
struct SeedRun {
    /// What came of it.
    struct Result: Sendable {
        var trace: UInt64
        var requests: Int
        var calls: Int
        var violations: [String]
    }

    let world: SimulatedWorld
    var bug: PlantedBug?

    init(seed: UInt64, bug: PlantedBug? = nil) {
        self.init(SimulatedWorld(seed: seed), bug: bug)
    }

    init(_ world: SimulatedWorld, bug: PlantedBug? = nil) {
        self.world = world
        self.bug = bug
    }

    /// Runs it to its end.
    func run() -> Result {
        let executor = VirtualExecutor(order: .seeded(self.world.seed))
        let observer = InvariantObserver(self.world)
        let gateway = SimulatedGateway(self.world, bug: self.bug, executor, observer)
        let ending = executor.run(maximumSteps: 1_000_000) {
            let clients = SimulatedClients(
                of: gateway, traffic: self.world.traffic, duration: self.world.duration, seed: self.world.seed,
                time: executor.time, observer: observer)
            await withTaskGroup { group in
                group.addTask { await gateway.reload(after: self.world.duration * 0.5) }
                await clients.run()
                group.cancelAll()
            }
        }
        if ending != .finished { observer.violate("the run is \(ending)") }
        observer.finish()
        for violation in gateway.leaks() { observer.violate(violation) }
        gateway.bugs.release()
        let result = observer.result
        return Result(
            trace: result.trace.hash, requests: result.requests, calls: result.calls, violations: result.violations)
    }
}
