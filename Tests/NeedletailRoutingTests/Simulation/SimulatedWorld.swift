import NeedletailCore

@testable import NeedletailRouting

/// Everything that one seed decides: who there is, how they behave, how they are grouped, what clients ask.
struct SimulatedWorld: Sendable {
    /// One model at one provider.
    struct Place: Sendable {
        var name: String
        var model: ProviderModel
        /// Whether nothing ever goes wrong there, and nothing is limited.
        var isSpotless: Bool
        var breaker: CircuitBreakerPolicy?
        var limits: LimitPolicy
    }

    /// A group.
    struct Group: Sendable {
        /// Where a target leads.
        enum Member: Sendable, Hashable {
            case place(Int)
            /// A group further down the list, so that there is no cycle.
            case group(Int)
        }

        var name: String
        var members: [Member]
        var strategy: Int
        var options: RouterOptions
        var retry: RetryPolicy

        /// The places that it leads to by itself.
        var places: [Int] {
            self.members.compactMap { if case .place(let index) = $0 { index } else { nil } }
        }

        /// Whether another group is inside.
        var isNested: Bool { self.places.count < self.members.count }
    }

    var seed: UInt64
    var duration = Duration.seconds(60)
    var places: [Place] = []
    var groups: [Group] = []
    var traffic: [TrafficModel] = []
    /// The place that the configuration no longer has when it is read again.
    var removed: Int?

    /// Draws a world.
    init(seed: UInt64) {
        self.seed = seed
        var random = SplitMix(seed.seed(of: "world"))
        self.duration = .seconds(Int.random(in: 15...60, using: &random))
        for index in 0..<Int.random(in: 1...5, using: &random) {
            self.places.append(Self.place(index, self.duration, &random))
        }
        let count = Int.random(in: 1...3, using: &random)
        for index in 0..<count { self.groups.append(Self.group(index, of: count, self.places.count, &random)) }
        let removed = Int(random.next() % UInt64(self.places.count))
        if self.groups.allSatisfy({ $0.places != [removed] }) { self.removed = removed }
        // Every group is asked, those inside others as well.
        for group in self.groups { self.traffic.append(Self.traffic(group.name, &random)) }
    }

    /// A world that is written out.
    init(seed: UInt64, duration: Duration, places: [Place], groups: [Group], traffic: [TrafficModel]) {
        self.seed = seed
        self.duration = duration
        self.places = places
        self.groups = groups
        self.traffic = traffic
    }

    private static func place(_ index: Int, _ duration: Duration, _ random: inout SplitMix) -> Place {
        let isSpotless = random.unit() < 0.3
        var base = ProviderBehaviour()
        base.latency = Self.latency(&random)
        base.failureLatency = .uniform(.zero, .milliseconds(500))
        base.tokensPerSecond = Double(Int.random(in: 50...500, using: &random))
        var model = ProviderModel(
            base, firstTokenTimeout: .seconds(Int.random(in: 3...20, using: &random)), idleTimeout: .seconds(4))
        var limits = LimitPolicy()
        if !isSpotless {
            if random.unit() < 0.5 { model.base.faults = Self.faults(&random) }
            if random.unit() < 0.2 {
                model.base.rateLimit = .init(
                    requestsPerMinute: Int.random(in: 5...120, using: &random),
                    burst: Int.random(in: 1...10, using: &random), tellsWhen: random.unit() < 0.8)
            }
            for _ in 0..<Int.random(in: 0...2, using: &random) {
                var bad = model.base
                bad.faults = random.unit() < 0.5 ? [.init(Self.fault(&random), rate: 1)] : Self.faults(&random)
                let from = duration * random.unit()
                model.phases.append(.init(from: from, until: from + .seconds(5) + duration * random.unit() / 2, bad))
            }
            if random.unit() < 0.3 { limits.concurrency = Int.random(in: 1...8, using: &random) }
            if random.unit() < 0.3 {
                limits.requestsPerMinute = Int.random(in: 5...200, using: &random)
                limits.burst = Int.random(in: 1...20, using: &random)
            }
            if random.unit() < 0.2 { limits.tokensPerMinute = Int.random(in: 2_000...50_000, using: &random) }
        }
        let breaker = CircuitBreakerPolicy(
            failureThreshold: Int.random(in: 1...5, using: &random),
            successThreshold: Int.random(in: 1...3, using: &random),
            recoveryTimeout: .milliseconds(Int.random(in: 500...10_000, using: &random)),
            halfOpenLimit: Int.random(in: 1...3, using: &random),
            errorRate: random.unit() < 0.3 ? 0.5 : nil
        )
        return Place(
            name: "p\(index)", model: model, isSpotless: isSpotless, breaker: random.unit() < 0.85 ? breaker : nil,
            limits: limits)
    }

    private static func latency(_ random: inout SplitMix) -> LatencyDistribution {
        switch random.next() % 4 {
        case 0: .constant(.milliseconds(Int.random(in: 0...800, using: &random)))
        case 1: .uniform(.milliseconds(10), .milliseconds(Int.random(in: 20...1_500, using: &random)))
        case 2: .lognormal(median: .milliseconds(Int.random(in: 50...500, using: &random)), p99: .seconds(2))
        default: .heavyTail(minimum: .milliseconds(50), alpha: 1.2, maximum: .seconds(2))
        }
    }

    private static func fault(_ random: inout SplitMix) -> ProviderBehaviour.Fault.Kind {
        let kinds: [ProviderBehaviour.Fault.Kind] = [
            .failure(.upstreamFailed), .failure(.overloaded), .failure(.unreachable), .failure(.rateLimited),
            .failure(.credentialRejected), .failure(.malformedReply), .failure(.conflict), .failure(.invalidRequest),
            .failure(.notFound), .hang, .breaks, .stalls,
        ]
        return kinds[Int(random.next() % UInt64(kinds.count))]
    }

    private static func faults(_ random: inout SplitMix) -> [ProviderBehaviour.Fault] {
        (0..<Int.random(in: 1...3, using: &random)).map { _ in
            .init(Self.fault(&random), rate: random.unit() * 0.33)
        }
    }

    private static func group(_ index: Int, of count: Int, _ places: Int, _ random: inout SplitMix) -> Group {
        var members = (0..<places).filter { _ in random.unit() < 0.7 }.map(Group.Member.place)
        if index + 1 < count, random.unit() < 0.5 {
            members.append(.group(Int.random(in: index + 1..<count, using: &random)))
        }
        if members.isEmpty { members = [.place(Int.random(in: 0..<places, using: &random))] }
        var options = RouterOptions(maximumAttempts: Int.random(in: 1...5, using: &random))
        options.retryBudget =
            random.unit() < 0.5
            ? nil
            : RetryBudgetPolicy(
                ratio: Double(Int.random(in: 0...5, using: &random)) / 10,
                perSecond: Int.random(in: 0...3, using: &random))
        options.queue = QueuePolicy(
            size: random.unit() < 0.5 ? 0 : Int.random(in: 1...20, using: &random),
            timeout: .seconds(Int.random(in: 1...10, using: &random)), waitsForRates: random.unit() < 0.5)
        if random.unit() < 0.25 {
            options.hedge = HedgePolicy(
                after: random.unit() < 0.5
                    ? .fixed(.milliseconds(Int.random(in: 50...2_000, using: &random))) : .percentile(0.9),
                budget: random.unit())
        }
        let backoff = Backoff(
            base: .milliseconds(Int.random(in: 10...2_000, using: &random)), factor: 2,
            maximum: .seconds(Int.random(in: 1...20, using: &random)), hasJitter: random.unit() < 0.8)
        return Group(
            name: "g\(index)", members: members, strategy: Int(random.next() % 1_000), options: options,
            retry: RetryPolicy(maximumAttempts: Int.random(in: 1...4, using: &random), backoff: backoff))
    }

    private static func traffic(_ name: String, _ random: inout SplitMix) -> TrafficModel {
        var traffic = TrafficModel(model: name, rate: 0.3 + 1.5 * random.unit())
        traffic.shape =
            random.unit() < 0.3 ? .bursts(every: .seconds(15), length: .seconds(2), times: 6) : .flat
        traffic.streamed = random.unit()
        traffic.inputTokens = 1...2_000
        traffic.outputTokens = 1...200
        traffic.leaving = random.unit() < 0.6 ? 0.3 * random.unit() : 0
        traffic.timeout = random.unit() < 0.5 ? .seconds(Int.random(in: 1...20, using: &random)) : nil
        return traffic
    }
}
