import NeedletailCore

/// At random, with the inverse of the mean of the last 100 latencies, times the weight, as the odds: half as slow, twice
/// the traffic. A target of which no latency is known counts as one with the others' mean.
public struct LatencyWeightedBalancer: Balancer {
    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        guard candidates.count > 1 else { return candidates.first }
        let odds = Odds(targets, candidates)
        var left = question.random.unit() * odds.total
        for index in candidates {
            left -= odds.of(targets[index])
            if left < 0 { return index }
        }
        // The latencies moved between the two looks: the fastest is never wrong.
        return candidates.max { odds.of(targets[$0]) < odds.of(targets[$1]) }
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let odds = Odds(targets, candidates)
        return candidates.map { index in
            let share = odds.of(targets[index]) / odds.total
            return TargetScore(
                index, score: share, share: share,
                parts: [
                    .init("mean_latency_ms", (targets[index].statistics.meanLatency ?? 0) / 1e6),
                    .init("weight", targets[index].weight),
                ])
        }.sorted { ($0.score, -$0.index) > ($1.score, -$1.index) }
    }

    /// What each target weighs in one draw.
    private struct Odds {
        /// Nanoseconds; for those of which none is known.
        var usual = 1e9
        var isEven = true
        var total = 0.0

        init(_ targets: [Target], _ candidates: TargetSet) {
            var sum = 0.0
            var count = 0.0
            for index in candidates {
                if targets[index].weight > 0 { self.isEven = false }
                guard let mean = targets[index].statistics.meanLatency else { continue }
                sum += mean
                count += 1
            }
            if count > 0 { self.usual = sum / count }
            for index in candidates { self.total += self.of(targets[index]) }
        }

        func of(_ target: Target) -> Double {
            // A microsecond at least, so that a clock too coarse divides by something.
            (self.isEven ? 1 : target.weight) / max(target.statistics.meanLatency ?? self.usual, 1_000)
        }
    }
}

extension Balancer where Self == LatencyWeightedBalancer {
    /// At random, with the inverse of latency as the odds.
    public static var latencyWeighted: Self { LatencyWeightedBalancer() }
}
