import NeedletailCore

/// The better of two at random: power of two choices over latency and load, as in Finagle.
///
/// The cost of a target is its ``PeakEWMA`` times its running calls and the one that would come, over its weight and its
/// success rate. One that is idle and new costs nothing and so is tried; one that is new and busy counts as slow
/// (``PeakEWMA/penalty``). Two *distinct* candidates are drawn without
/// rejection. Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001.
public struct LoadBalancedBalancer: Balancer {
    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let count = candidates.count
        guard count > 1 else { return candidates.first }
        // One draw gives both: the halves of 64 bits are independent, and 32 of them are plenty for 64 targets.
        let bits = question.random.next()
        let one = Int(((bits >> 32) &* UInt64(count)) >> 32)
        var two = Int(((bits & 0xFFFF_FFFF) &* UInt64(count - 1)) >> 32)
        if two >= one { two += 1 }
        guard let first = candidates.member(at: one), let second = candidates.member(at: two) else { return nil }
        let costs = (Self.cost(targets[first], question.now), Self.cost(targets[second], question.now))
        return costs.1 < costs.0 ? second : first
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let indices = candidates.filter { $0 < targets.count }
        let costs = indices.map { Self.cost(targets[$0], question.now) }
        let pairs = Double(Swift.max(1, indices.count * (indices.count - 1)))
        return zip(indices, costs).map { index, cost in
            // Of all ordered pairs it wins those in which the other is dearer, and one of two with an equal.
            let wins = costs.reduce(-1.0) { $0 + (cost < $1 ? 2 : cost == $1 ? 1 : 0) }
            let statistics = targets[index].statistics
            return TargetScore(
                index, score: -cost / 1e6, share: indices.count == 1 ? 1 : wins / pairs,
                parts: [
                    .init("peak_latency_ms", statistics.peak.value(now: question.now) / 1e6),
                    .init("in_flight", Double(statistics.inFlight)),
                    .init("error_rate", statistics.errorRate(now: question.now)),
                    .init("weight", targets[index].weight),
                ])
        }.sorted { ($0.score, -$0.index) > ($1.score, -$1.index) }
    }

    private static func cost(_ target: Target, _ now: Instant) -> Double {
        let statistics = target.statistics
        let peak = statistics.peak
        let running = statistics.inFlight
        let errors = statistics.errorRate(now: now)
        var latency = peak.value(now: now)
        if peak.cost == 0, running > 0 { latency = Double(PeakEWMA.penalty.wholeNanoseconds) }
        return latency * Double(running + 1) / (max(0.05, 1 - errors) * max(target.weight, 1e-9))
    }
}

extension Balancer where Self == LoadBalancedBalancer {
    /// The better of two at random.
    public static var loadBalanced: Self { LoadBalancedBalancer() }
}
