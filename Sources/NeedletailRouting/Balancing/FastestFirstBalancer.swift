import NeedletailCore

/// The lowest latency of late, with failures counted as time lost: `latency / (1 - error rate)`.
///
/// A target of which nothing was heard for five minutes is tried, one call at a time, so that the order stays true. Those
/// of which nothing but failures is known come after all others.
public final class FastestFirstBalancer: Balancer {
    /// How long a latency is believed without a new one.
    static let memory = Duration.seconds(300)
    private let turn = TurnCursor()

    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        return self.turn.pick(
            TurnCursor.lowest(candidates) { Self.cost(targets[$0].statistics, question.now) }, isPeek: question.isPeek)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let next = self.turn.pick(
            TurnCursor.lowest(candidates) { Self.cost(targets[$0].statistics, question.now) }, isPeek: true)
        return .ofCosts(candidates, next: next) { index in
            let statistics = targets[index].statistics
            return (
                Self.cost(statistics, question.now) / 1e6,
                [
                    .init("latency_ms", (statistics.lateLatency ?? 0) / 1e6),
                    .init("error_rate", statistics.errorRate(now: question.now)),
                    .init("in_flight", Double(statistics.inFlight)),
                ]
            )
        }
    }

    /// Nanoseconds; below zero for one that is to be tried.
    private static func cost(_ statistics: DeploymentStatistics, _ now: Instant) -> Double {
        let evidence = statistics.lastEvidence
        let isStale = evidence.nanoseconds == 0 || now.duration(since: evidence) > Self.memory
        if isStale { return statistics.inFlight == 0 ? -1 : Self.unknown + Double(statistics.inFlight) }
        let errors = statistics.errorRate(now: now)
        guard let latency = statistics.lateLatency else { return Self.unknown * (1 + errors) }
        return latency / max(0.05, 1 - errors)
    }

    /// Later than any latency: an hour.
    private static let unknown = 3_600e9
}

extension Balancer where Self == FastestFirstBalancer {
    /// The lowest latency.
    public static var fastestFirst: Self { FastestFirstBalancer() }
}
