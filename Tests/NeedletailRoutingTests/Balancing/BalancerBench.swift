import NeedletailCore
import NeedletailTesting

@testable import NeedletailRouting

/// Targets that answer as told, under a clock that is moved by hand.
struct BalancerBench {
    let targets: [Target]
    let random: RandomSource
    var now = Instant(nanoseconds: 1_000_000_000_000)

    init(_ targets: [Target], seed: UInt64 = 1) {
        self.targets = targets
        self.random = .seeded(seed)
    }

    init(weights: [Double], seed: UInt64 = 1) {
        self.init(
            weights.enumerated().map { Target(ScriptedProvider(ProviderID("p\($0.offset)")), weight: $0.element) },
            seed: seed)
    }

    init(count: Int, seed: UInt64 = 1) {
        self.init(weights: Array(repeating: 1, count: count), seed: seed)
    }

    var all: TargetSet { TargetSet(count: self.targets.count) }

    func question(
        input: Int = 0, output: Int? = nil, features: Features = [], affinity: UInt64? = nil, isPeek: Bool = false
    ) -> RoutingQuestion {
        RoutingQuestion(
            model: "m", features: features, estimatedInputTokens: input, maxOutputTokens: output, now: self.now,
            random: self.random, affinity: affinity, isPeek: isPeek)
    }

    func pick(_ balancer: any Balancer, among candidates: TargetSet? = nil, affinity: UInt64? = nil) -> Int? {
        balancer.pick(from: self.targets, among: candidates ?? self.all, for: self.question(affinity: affinity))
    }

    /// How often each target is picked.
    func counts(_ balancer: any Balancer, _ count: Int, among candidates: TargetSet? = nil) -> [Int] {
        var counts = Array(repeating: 0, count: self.targets.count)
        for _ in 0..<count {
            if let index = self.pick(balancer, among: candidates) { counts[index] += 1 }
        }
        return counts
    }

    /// A whole call, over at once but for what it tells.
    func call(_ index: Int, latency: Duration, _ verdict: AttemptResult.Verdict = .success) {
        let statistics = self.targets[index].deployment.statistics
        statistics.begin()
        if verdict == .success { statistics.commit(latency: latency, isStreamed: false, now: self.now) }
        statistics.end(AttemptResult(verdict, latency: latency), isCommitted: verdict == .success, now: self.now)
    }

    mutating func advance(_ duration: Duration) {
        self.now = self.now.advanced(by: duration)
    }
}
