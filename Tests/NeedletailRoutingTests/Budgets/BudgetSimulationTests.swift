import Logging
import NIOCore
import NeedletailCore
import Synchronization
import Testing

@testable import NeedletailRouting

/// The theorem of budgets for the whole of what spends: routers that retry, fail over and hedge, over meters and budgets of
/// several gateways with one store, under clients that leave, a store that is away, and kills. What upstreams really billed
/// is counted by themselves.
@Suite("Budget theorem, simulated", .timeLimit(.minutes(5)))
struct BudgetSimulationTests {
    private static let price = Price(Price.Schedule(PriceRates([.input: 3, .output: 7])))
    private static let names: [ProviderID] = ["p0", "p1", "p2"]

    /// One gateway; a kill puts another in its place, and what it held is never booked.
    private final class Gateway: Sendable {
        let keeper: BudgetKeeper
        let router: Router
        let isKilled = Atomic<Bool>(false)

        init(_ keeper: BudgetKeeper, _ router: Router) {
            self.keeper = keeper
            self.router = router
        }
    }

    private final class World: Sendable {
        let rules: [BudgetRule]
        let memory = MemoryBudgets()
        let authority: any BudgetAuthority
        let upstreams: [BillingUpstream]
        let gateways: Mutex<[Gateway]>
        let all: Mutex<[Gateway]>
        private let random: RandomSource
        private let time: TimeSource

        /// - Parameter isLax: Whether the store grants more than the limit: a fault that the theorem must find.
        init(seed: UInt64, time: TimeSource, isLax: Bool = false) {
            self.authority = isLax ? LaxBudgets(self.memory) : self.memory
            let random = RandomSource.seeded(seed)
            self.random = random
            self.time = time
            func pick(_ count: UInt64) -> Int { Int(random.next() % count) }
            let periods: [BudgetWindow.Period] = [.minute, .hour, .total, .total]
            self.rules = (0..<(1 + pick(3))).map { index in
                BudgetRule(
                    name: "b\(index)", scope: pick(3) == 0 ? [(.key, ModelGlob("k0"))] : [],
                    each: [nil, .key, .provider, .tag][pick(4)], limit: Int128(500 + pick(6_000)),
                    window: BudgetWindow(periods[pick(4)]), clamps: pick(2) == 0)
            }
            self.upstreams = BudgetSimulationTests.names.map { BillingUpstream($0, random: random, time: time) }
            self.gateways = Mutex([])
            self.all = Mutex([])
            for _ in 0..<(1 + pick(2)) { self.start() }
        }

        func pick(_ count: UInt64) -> Int { Int(self.random.next() % count) }

        /// Starts a gateway, in the place of another if that is named.
        func start(insteadOf place: Int? = nil) {
            let keeper = BudgetKeeper(
                self.rules, authority: self.authority, time: self.time,
                logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
            let targets = self.upstreams.map { upstream in
                let meter = MeteringLayer(
                    upstream,
                    tariff: MeteringLayer.Tariff { _ in PricedModel(price: BudgetSimulationTests.price) },
                    budgets: keeper, time: self.time)
                return Target(AttemptObservationLayer(meter, Observation(), time: self.time))
            }
            let options = RouterOptions(
                maximumAttempts: 4, hedge: HedgePolicy(after: .fixed(.milliseconds(50)), budget: 0.5))
            let gateway = Gateway(
                keeper,
                Router(
                    id: "g", targets: targets, balancer: .priority, options: options, time: self.time,
                    random: self.random))
            self.all.withLock { $0.append(gateway) }
            self.gateways.withLock { gateways in
                if let place { gateways[place] = gateway } else { gateways.append(gateway) }
            }
        }

        func client(_ number: Int) async {
            for _ in 0..<(1 + self.pick(2)) {
                let gateway = self.gateways.withLock { $0[self.pick(UInt64($0.count))] }
                var request = InferenceRequest.sample()
                request.estimatedInputTokens = self.pick(20)
                request.maxOutputTokens = 1 + self.pick(60)
                let info = RequestInfo(
                    id: "r", keyName: "k\(number % 2)", tags: number % 3 == 0 ? [] : ["t\(number % 2)", "all"],
                    maximumCost: self.pick(4) == 0 ? Money(picodollars: 600) : nil,
                    logger: Logger(label: "t") { _ in SwiftLogNoOpLogHandler() })
                let patience = self.pick(4)
                await withTaskGroup(of: Void.self) { group in
                    let asked = request
                    group.addTask {
                        guard let reply = try? await gateway.router.respond(to: asked, context: RequestContext(info)),
                            case .stream(let stream) = reply.body
                        else { return }
                        var chunks = stream.makeAsyncIterator()
                        // Some leave in the middle.
                        for _ in 0..<(patience == 0 ? 1 : 100) {
                            guard (try? await chunks.next()) != nil else { return }
                        }
                    }
                    if patience == 1 {
                        try? await self.time.sleep(self.time.now().advanced(by: .milliseconds(30)))
                        group.cancelAll()
                    }
                }
            }
        }

        /// The store takes what is to be booked, or does not; and now and then a gateway is killed.
        func disturb() async {
            for _ in 0..<6 {
                try? await self.time.sleep(self.time.now().advanced(by: .milliseconds([1, 40, 2_000][self.pick(3)])))
                let place = self.gateways.withLock { self.pick(UInt64($0.count)) }
                let gateway = self.gateways.withLock { $0[place] }
                switch self.pick(5) {
                case 0:
                    gateway.isKilled.store(true, ordering: .relaxed)
                    self.start(insteadOf: place)
                case 1: gateway.keeper.putBack(gateway.keeper.takeChanges())
                default: try? self.authority.book(gateway.keeper.takeChanges())
                }
            }
        }

        var bills: [BillingUpstream.Bill] { self.upstreams.flatMap { upstream in upstream.bills.withLock { $0 } } }

        /// What was billed for a rule in each of its counts' stretches.
        func billed(_ rule: BudgetRule) -> [BudgetSlot: Int128] {
            var sums: [BudgetSlot: Int128] = [:]
            for bill in self.bills {
                let call = BudgetedCall(key: bill.key, tags: bill.tags, provider: bill.provider, model: "m")
                let cost = BudgetSimulationTests.price.cost(of: bill.usage)?.amount.picodollars ?? 0
                for subject in rule.subjects(of: call) {
                    sums[
                        BudgetSlot(counter: rule.counter(subject), start: rule.window.start(at: bill.at)), default: 0] +=
                        cost
                }
            }
            return sums
        }
    }

    /// A store that takes every limit for twice what it is.
    private struct LaxBudgets: BudgetAuthority {
        let memory: MemoryBudgets

        init(_ memory: MemoryBudgets) { self.memory = memory }

        func grant(_ requests: [BudgetGrantRequest]) throws(NeedletailError) -> BudgetGrant {
            let doubled = requests.map { request in
                var request = request
                request.limit *= 2
                return request
            }
            return try self.memory.grant(doubled)
        }

        func book(_ changes: [BudgetChange]) throws(NeedletailError) { try self.memory.book(changes) }
    }

    @Test("A store that grants more than a limit is found out")
    func lax() {
        let found = (0..<200).contains { (seed: UInt64) in
            let executor = VirtualExecutor(order: .seeded(seed))
            let world = World(seed: seed, time: executor.time, isLax: true)
            _ = executor.run {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<4 { group.addTask { await world.client(number) } }
                }
            }
            return world.rules.contains { rule in world.billed(rule).values.contains { $0 > rule.limit } }
        }
        #expect(found)
    }

    @Test("Over 10,000 seeds nothing is overspent, and at rest nothing is held", arguments: 0..<20)
    func theorem(block: UInt64) throws {
        var served = 0
        for seed in (block * 500)..<((block + 1) * 500) {
            let executor = VirtualExecutor(order: .seeded(seed))
            let world = World(seed: seed, time: executor.time)
            let ending = executor.run {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<4 { group.addTask { await world.client(number) } }
                    group.addTask { await world.disturb() }
                }
            }
            #expect(ending == .finished, "seed \(seed)")
            served += world.bills.count
            for rule in world.rules {
                for (slot, sum) in world.billed(rule) where sum > rule.limit {
                    Issue.record("seed \(seed): \(slot) was billed \(sum) of \(rule.limit)")
                }
            }
            var isWhole = true
            for gateway in world.all.withLock({ $0 }) {
                for rule in world.rules {
                    for subject in ["", "k0", "k1", "p0", "p1", "p2", "t0", "t1", "all"] {
                        let held = gateway.keeper.outstanding(rule.counter(subject)).held
                        #expect(held == 0, "seed \(seed): \(rule.counter(subject)) holds \(held)")
                    }
                }
                if gateway.isKilled.load(ordering: .relaxed) { isWhole = false; continue }
                try world.authority.book(gateway.keeper.takeChanges(isClosing: true))
            }
            // The store has never less than was billed, and where nobody was killed nothing is lost.
            let balances = Dictionary(
                world.memory.all().map { ($0.slot, $0) }, uniquingKeysWith: { first, _ in first })
            for rule in world.rules where rule.window.period == .total {
                for (slot, sum) in world.billed(rule) {
                    let known = balances[slot]
                    #expect((known?.spent ?? 0) + (known?.leased ?? 0) >= sum, "seed \(seed)")
                    if isWhole { #expect(known?.leased == 0, "seed \(seed)") }
                }
            }
        }
        #expect(served > 500, "the simulation does nothing: \(served) calls")
    }
}
