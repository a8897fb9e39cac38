import NIOCore
import NeedletailCore
import NeedletailTesting
import Synchronization
import Testing

@testable import NeedletailRouting

@Suite("The learned strategy")
struct LearnedBalancerTests {
    /// Asks `count` times; each target succeeds and is slow as told.
    private func run(
        _ balancer: LearnedBalancer, _ bench: BalancerBench, _ count: Int, features: Features = [],
        successRates: [Double], latencies: [Int], seed: UInt64
    ) -> [Int] {
        var random = RandomSource.Generator(.seeded(seed + 77))
        var counts = Array(repeating: 0, count: bench.targets.count)
        for _ in 0..<count {
            let question = bench.question(input: 100, features: features)
            guard let index = balancer.pick(from: bench.targets, among: bench.all, for: question) else { continue }
            counts[index] += 1
            let succeeds = Double.random(in: 0..<1, using: &random) < successRates[index]
            let result = AttemptResult(
                succeeds ? .success : .failure, latency: .milliseconds(latencies[index]),
                usage: Usage(inputTokens: 100, outputTokens: 100))
            balancer.record(result, of: index, in: bench.targets, for: question)
        }
        return counts
    }

    @Test("the most reliable target gets most, and no target less than its floor", arguments: 0..<10 as Range<UInt64>)
    func success(seed: UInt64) {
        let bench = BalancerBench(count: 4, seed: seed)
        let counts = self.run(
            LearnedBalancer(floor: 0.03), bench, 4_000, successRates: [0.5, 0.99, 0.5, 0.2],
            latencies: [100, 100, 100, 100], seed: seed)
        #expect(counts[1] > 3_000, "seed \(seed): \(counts)")
        // A floor of 120 each; five standard deviations below are 66.
        #expect(counts.allSatisfy { $0 > 66 }, "seed \(seed): \(counts)")
    }

    @Test("of two that both succeed the faster one gets most", arguments: 0..<10 as Range<UInt64>)
    func latency(seed: UInt64) {
        let bench = BalancerBench(count: 2, seed: seed)
        let counts = self.run(
            LearnedBalancer(), bench, 4_000, successRates: [1, 1], latencies: [2_000, 200], seed: seed)
        #expect(counts[1] > 2_800, "seed \(seed): \(counts)")
    }

    @Test("of two that are alike the cheaper one gets most", arguments: 0..<10 as Range<UInt64>)
    func cost(seed: UInt64) {
        let bench = BalancerBench(
            [
                Target(ScriptedProvider("dear"), price: .perToken(input: 10_000, output: 10_000)),
                Target(ScriptedProvider("cheap"), price: .perToken(input: 100, output: 100)),
            ], seed: seed)
        let counts = self.run(
            LearnedBalancer(success: 0.5, latency: 0, cost: 0.5), bench, 4_000, successRates: [1, 1],
            latencies: [100, 100], seed: seed)
        #expect(counts[1] > 2_800, "seed \(seed): \(counts)")
    }

    @Test("what is learnt of one kind of request says nothing of another", arguments: 0..<5 as Range<UInt64>)
    func classes(seed: UInt64) {
        let bench = BalancerBench(count: 2, seed: seed)
        let balancer = LearnedBalancer()
        for (features, rates) in [(Features(), [1, 0.3]), (Features.tools, [0.3, 1])] {
            let counts = self.run(
                balancer, bench, 2_000, features: features, successRates: rates, latencies: [100, 100], seed: seed)
            #expect(counts[rates[0] == 1 ? 0 : 1] > 1_700, "seed \(seed): \(counts)")
        }
    }

    @Test("when the best breaks down, another takes over", arguments: 0..<10 as Range<UInt64>)
    func change(seed: UInt64) {
        let bench = BalancerBench(count: 2, seed: seed)
        let balancer = LearnedBalancer()
        _ = self.run(balancer, bench, 5_000, successRates: [1, 0.8], latencies: [100, 100], seed: seed)
        let counts = self.run(balancer, bench, 3_000, successRates: [0.1, 0.8], latencies: [100, 100], seed: seed)
        #expect(counts[1] > 2_000, "seed \(seed): \(counts)")
    }

    @Test("what was learnt is exported and restored, by the targets' names")
    func store() throws {
        let bench = BalancerBench(count: 3)
        let balancer = LearnedBalancer()
        _ = self.run(
            balancer, bench, 500, features: .tools, successRates: [1, 0.2, 0.5], latencies: [1, 2, 3], seed: 5)
        let bytes = balancer.exported(for: bench.targets)

        let restored = LearnedBalancer()
        try restored.restore(bytes, for: bench.targets)
        #expect(restored.exported(for: bench.targets) == bytes)

        // The same targets in another order and with one less.
        let fewer = Array(bench.targets.reversed().dropLast())
        try restored.restore(bytes, for: fewer)
        let scores = restored.scores(
            of: fewer, among: TargetSet(count: 2), for: bench.question(input: 100, features: .tools))
        let before = balancer.scores(
            of: bench.targets, among: bench.all, for: bench.question(input: 100, features: .tools))
        let (now, then) = (scores.first { $0.index == 0 }?.score, before.first { $0.index == 2 }?.score)
        #expect(now == then && now != nil)
    }

    @Test(
        "what is no exported state is refused",
        arguments: [
            "", "{}", #"{"version":2,"classes":[]}"#, #"{"version":1,"classes":{}}"#,
            #"{"version":1,"classes":[{"class":"plain/small","latency_ns":-1,"cost_pico":0,"targets":[]}]}"#,
            #"{"version":1,"classes":[{"class":"plain/small","latency_ns":1,"cost_pico":0,"targets":[{"target":"p0"}]}]}"#,
        ])
    func refused(text: String) {
        let bench = BalancerBench(count: 1)
        let balancer = LearnedBalancer()
        #expect(throws: NeedletailError.self) { try balancer.restore(ByteBuffer(string: text), for: bench.targets) }
        #expect(balancer.state.withLock { $0.classes.allSatisfy { $0 == nil } })
    }

    @Test("every class has a name of its own")
    func names() {
        let names = (0..<FeatureClass.count).map { FeatureClass(index: $0).name }
        #expect(Set(names).count == FeatureClass.count)
        #expect(names.compactMap(FeatureClass.init(name:)).map(\.index) == Array(0..<FeatureClass.count))
        let question = RoutingQuestion(
            features: [.tools, .audio], estimatedInputTokens: 5_000, now: Instant(nanoseconds: 0), random: .seeded(1))
        #expect(FeatureClass(question).name == "tools+media/medium")
    }

    @Test("beta draws have the mean and spread that they should", arguments: [(1.0, 1.0), (2, 5), (90, 10), (200, 1)])
    func beta(a: Double, b: Double) {
        var sampler = BetaSampler(seed: 3)
        let draws = (0..<20_000).map { _ in sampler.beta(a, b) }
        let mean = draws.reduce(0, +) / 20_000
        let variance = draws.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
        let expected = a * b / ((a + b) * (a + b) * (a + b + 1))
        #expect(abs(mean - a / (a + b)) < 5 * (expected / 20_000).squareRoot())
        #expect(abs(variance / expected - 1) < 0.1)
    }
}
