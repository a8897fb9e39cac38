import NeedletailCore
import NeedletailTesting
import Testing

@testable import NeedletailRouting

@Suite("Strategies")
struct StrategyTests {
    /// Every strategy, new.
    static let all: [@Sendable () -> any Balancer] = [
        { .roundRobin }, { .weighted }, { .priority }, { .leastLoaded }, { .fastestFirst }, { .latencyWeighted },
        { .loadBalanced }, { .costOptimal }, { .adaptive }, { .learned },
        { HealthBalancer(.weighted, threshold: 0.5) }, { SlowStartBalancer(.loadBalanced, window: .seconds(30)) },
        { AffinityBalancer(.leastLoaded, rule: .conversation) },
        {
            NestedBalancer(
                .weighted,
                members: [.init(targets: TargetSet(bits: 0b110), balancer: .roundRobin)])
        },
    ]

    @Test("only a candidate is picked, and one always where there is one", arguments: all.indices, 0..<20)
    func candidates(strategy: Int, seed: Int) {
        let balancer = Self.all[strategy]()
        var bench = BalancerBench(count: 7, seed: UInt64(seed))
        var random = RandomSource.Generator(.seeded(UInt64(seed) + 1_000))
        for _ in 0..<300 {
            bench.advance(.milliseconds(Int.random(in: 0...2_000, using: &random)))
            let candidates = TargetSet(bits: UInt64.random(in: 0..<128, using: &random))
            let affinity = Bool.random(using: &random) ? random.next() : nil
            let picked = bench.pick(balancer, among: candidates, affinity: affinity)
            #expect((picked == nil) == candidates.isEmpty, "seed \(seed)")
            guard let picked else { continue }
            #expect(candidates.contains(picked), "seed \(seed)")
            let verdict: [AttemptResult.Verdict] = [.success, .success, .failure, .neutral]
            let latency = Duration.milliseconds(Int.random(in: 1...5_000, using: &random))
            bench.call(picked, latency: latency, verdict[Int.random(in: 0..<4, using: &random)])
            balancer.record(
                AttemptResult(.success, latency: latency), of: picked, in: bench.targets, for: bench.question())
        }
    }

    @Test("candidates beyond the list are not picked", arguments: all.indices)
    func beyond(strategy: Int) {
        let bench = BalancerBench(count: 3)
        #expect(bench.pick(Self.all[strategy](), among: TargetSet(bits: ~0b111)) == nil)
        #expect(BalancerBench(count: 0).pick(Self.all[strategy](), among: TargetSet(count: 64)) == nil)
    }

    @Test("what is explained is what is then done, and explaining changes nothing", arguments: all.indices, 0..<20)
    func explained(strategy: Int, seed: Int) throws {
        let (balancer, twin) = (Self.all[strategy](), Self.all[strategy]())
        var bench = BalancerBench(count: 5, seed: 1)
        var random = RandomSource.Generator(.seeded(UInt64(seed)))
        for step in 0..<100 {
            bench.advance(.milliseconds(Int.random(in: 0...500, using: &random)))
            let draw = random.next()
            let affinity = Bool.random(using: &random) ? random.next() : nil
            func question() -> RoutingQuestion {
                RoutingQuestion(model: "m", now: bench.now, random: .seeded(draw), affinity: affinity)
            }
            let candidates = TargetSet(bits: UInt64.random(in: 1..<32, using: &random))
            var peek = question()
            peek.isPeek = true
            let scores = balancer.scores(of: bench.targets, among: candidates, for: peek)
            peek = question()
            peek.isPeek = true
            let peeked = balancer.pick(from: bench.targets, among: candidates, for: peek)
            let picked = balancer.pick(from: bench.targets, among: candidates, for: question())
            // A twin that was never asked to explain does the same.
            #expect(twin.pick(from: bench.targets, among: candidates, for: question()) == picked, "seed \(seed)")
            #expect(peeked == picked, "seed \(seed), step \(step)")
            #expect(Set(scores.map(\.index)) == Set(candidates), "seed \(seed), step \(step)")
            if strategy != 5, strategy != 6, strategy != 11 {
                // All but those that draw lots put their choice first.
                #expect(scores.first?.index == picked, "seed \(seed), step \(step)")
            } else {
                let sum = scores.compactMap(\.share).reduce(0, +)
                #expect(abs(sum - 1) < 1e-9)
                #expect(scores.first { $0.index == picked }?.share ?? 0 > 0)
            }
            bench.call(try #require(picked), latency: .milliseconds(Int.random(in: 1...900, using: &random)))
        }
    }

    @Test("weights of 5, 1 and 1 give nginx's order")
    func smooth() {
        let bench = BalancerBench(weights: [5, 1, 1])
        let balancer = WeightedBalancer()
        let order = (0..<14).compactMap { _ in bench.pick(balancer) }
        #expect(order == [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
    }

    @Test(
        "shares are as the weights, to one call",
        arguments: [[1, 1], [0.7, 0.3], [3, 2, 1], [10, 1, 0.5, 0.5], [0, 0], [1, 0]])
    func shares(weights: [Double]) {
        let bench = BalancerBench(weights: weights)
        let sum = weights.reduce(0, +)
        let counts = bench.counts(.weighted, 1_200)
        for (weight, count) in zip(weights, counts) {
            let expected = sum == 0 ? 1_200 / Double(weights.count) : 1_200 * weight / sum
            #expect(abs(Double(count) - expected) <= 1)
        }
    }

    @Test("a target of no weight is asked when nobody else may be")
    func noWeight() {
        let bench = BalancerBench(weights: [1, 0])
        #expect(bench.pick(.weighted, among: TargetSet(bits: 0b10)) == 1)
    }

    @Test("round robin gives the same to each candidate, wherever the others stand")
    func roundRobin() {
        let bench = BalancerBench(count: 4)
        #expect(bench.counts(.roundRobin, 400) == [100, 100, 100, 100])
        // With the third out its share goes to all, not to the fourth alone.
        #expect(bench.counts(.roundRobin, 300, among: TargetSet(bits: 0b1011)) == [100, 100, 0, 100])
    }

    @Test("the fewest running calls for its weight")
    func leastLoaded() {
        let bench = BalancerBench(weights: [1, 1, 4])
        let balancer = LeastLoadedBalancer()
        var running = [0, 0, 0]
        for _ in 0..<60 {
            guard let index = bench.pick(balancer) else { continue }
            bench.targets[index].deployment.statistics.begin()
            running[index] += 1
        }
        #expect(running == [10, 10, 40])
    }

    @Test("idle targets take turns")
    func tiedLoads() {
        #expect(BalancerBench(count: 3).counts(.leastLoaded, 300) == [100, 100, 100])
    }

    @Test("the fastest is asked, once each was tried; a failing one is not fast")
    func fastestFirst() {
        let bench = BalancerBench(count: 3)
        let balancer = FastestFirstBalancer()
        var tried: Set<Int> = []
        for _ in 0..<3 {
            guard let index = bench.pick(balancer) else { continue }
            tried.insert(index)
            if index == 2 {
                bench.call(index, latency: .milliseconds(1), .failure)
            } else {
                bench.call(index, latency: .milliseconds(index == 0 ? 300 : 100))
            }
        }
        #expect(tried == [0, 1, 2])
        #expect(bench.counts(balancer, 50) == [0, 50, 0])
        for _ in 0..<20 { bench.call(1, latency: .seconds(2)) }
        #expect(bench.counts(balancer, 50) == [50, 0, 0])
    }

    @Test("a target that nothing was heard of for five minutes is tried again, one call at a time")
    func forgotten() {
        var bench = BalancerBench(count: 2)
        let balancer = FastestFirstBalancer()
        bench.call(0, latency: .milliseconds(100))
        bench.call(1, latency: .milliseconds(900))
        #expect(bench.pick(balancer) == 0)
        bench.advance(.seconds(299))
        bench.call(0, latency: .milliseconds(100))
        #expect(bench.pick(balancer) == 0)
        bench.advance(.seconds(2))
        #expect(bench.pick(balancer) == 1)
        bench.targets[1].deployment.statistics.begin()
        #expect(bench.pick(balancer) == 0)
    }

    @Test("half as slow is twice the traffic", arguments: 0..<10 as Range<UInt64>)
    func latencyWeighted(seed: UInt64) {
        let bench = BalancerBench(weights: [1, 1, 2], seed: seed)
        for (index, latency) in [100, 200, 400].enumerated() {
            for _ in 0..<100 { bench.call(index, latency: .milliseconds(latency)) }
        }
        let counts = bench.counts(.latencyWeighted, 10_000)
        // Odds of 4 : 2 : 2, five standard deviations.
        for (count, share) in zip(counts, [0.5, 0.25, 0.25]) {
            let deviation = (10_000 * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - 10_000 * share) < 5 * deviation, "seed \(seed)")
        }
    }

    @Test("a target of unknown latency counts as one with the others' mean")
    func unknownLatency() throws {
        let bench = BalancerBench(count: 3)
        bench.call(0, latency: .milliseconds(100))
        bench.call(1, latency: .milliseconds(300))
        let scores = LatencyWeightedBalancer().scores(of: bench.targets, among: bench.all, for: bench.question())
        let shares = Dictionary(uniqueKeysWithValues: scores.map { ($0.index, $0.share ?? 0) })
        #expect(abs(try #require(shares[2]) / (try #require(shares[0])) - 0.5) < 1e-9)
        #expect(scores.map(\.index) == [0, 2, 1])
    }

    @Test("of two choices the better wins: the most loaded of all is never picked", arguments: 0..<10 as Range<UInt64>)
    func loadBalanced(seed: UInt64) {
        let bench = BalancerBench(count: 4, seed: seed)
        for index in 0..<4 { bench.call(index, latency: .milliseconds(100)) }
        for _ in 0..<9 { bench.targets[3].deployment.statistics.begin() }
        bench.targets[2].deployment.statistics.begin()
        let counts = bench.counts(.loadBalanced, 6_000)
        #expect(counts[3] == 0)
        // Of the six pairs the third wins one, the first and the second 2.5 each.
        for (count, share) in zip(counts, [2.5 / 6, 2.5 / 6, 1.0 / 6]) {
            let deviation = (6_000 * share * (1 - share)).squareRoot()
            #expect(abs(Double(count) - 6_000 * share) < 5 * deviation, "seed \(seed)")
        }
        let explained = LoadBalancedBalancer().scores(of: bench.targets, among: bench.all, for: bench.question())
        for (score, share) in zip(explained, [2.5 / 6, 2.5 / 6, 1.0 / 6, 0]) {
            #expect(abs((score.share ?? -1) - share) < 1e-9)
        }
        #expect(explained.last?.index == 3)
    }

    @Test("who has only failed, and fast, draws no traffic")
    func blackHole() {
        let bench = BalancerBench(count: 2)
        bench.call(0, latency: .milliseconds(200))
        bench.call(1, latency: .microseconds(50), .failure)
        #expect(bench.counts(.loadBalanced, 100) == [100, 0])
        #expect(bench.counts(.adaptive, 100) == [100, 0])
    }

    @Test("the cheapest for this request; unknown prices come last, then priority decides")
    func costOptimal() {
        func target(_ name: String, _ price: TargetPrice?, priority: Int = 1) -> Target {
            Target(ScriptedProvider(ProviderID(name)), priority: priority, price: price)
        }
        let bench = BalancerBench([
            target("unknown", nil),
            target("cheap output", .perToken(input: 1_000, output: 1_000)),
            target("cheap input", .perToken(input: 100, output: 5_000)),
            target("later", .perToken(input: 1_000, output: 1_000), priority: 0),
        ])
        func pick(_ input: Int, _ output: Int?, among candidates: TargetSet) -> Int? {
            CostOptimalBalancer().pick(
                from: bench.targets, among: candidates, for: bench.question(input: input, output: output))
        }
        #expect(pick(100, 1_000, among: TargetSet(bits: 0b0111)) == 1)
        #expect(pick(100_000, 100, among: bench.all) == 2)
        #expect(pick(100, nil, among: bench.all) == 3)
        #expect(pick(100, nil, among: TargetSet(bits: 0b0001)) == 0)
        #expect(TargetPrice.perToken(input: .max, output: 1).quote("m", 2, 0) == nil)
    }

    @Test("each measure of adaptive decides where it alone has weight")
    func adaptive() {
        let bench = BalancerBench([
            Target(ScriptedProvider("slow"), price: .perToken(input: 1, output: 1)),
            Target(ScriptedProvider("dear"), price: .perToken(input: 9, output: 9)),
        ])
        let (slow, dear) = (bench.targets[0].deployment.statistics, bench.targets[1].deployment.statistics)
        bench.call(0, latency: .milliseconds(900))
        bench.call(1, latency: .milliseconds(100))
        func pick(_ weights: AdaptiveBalancer.Weights) -> Int? {
            AdaptiveBalancer(weights).pick(from: bench.targets, among: bench.all, for: bench.question(input: 10))
        }
        func only(_ path: WritableKeyPath<AdaptiveBalancer.Weights, Double>) -> AdaptiveBalancer.Weights {
            var weights = AdaptiveBalancer.Weights(latency: 0, errors: 0, cost: 0, load: 1, headroom: 0)
            weights.load = 0
            weights[keyPath: path] = 1
            return weights
        }
        #expect(pick(only(\.latency)) == 1)
        #expect(pick(only(\.cost)) == 0)
        bench.call(0, latency: .milliseconds(1), .failure)
        #expect(pick(only(\.errors)) == 1)
        slow.begin()
        #expect(pick(only(\.load)) == 1)
        dear.setHeadroom(0.1)
        #expect(pick(only(\.headroom)) == 0)
        #expect(AdaptiveBalancer.Weights(latency: 0, errors: 0, cost: 0, load: 0, headroom: -1) == .init())
    }
}
