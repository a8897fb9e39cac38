/// The fewest running calls for its weight: the lowest `(in flight + 1) / weight`; ties in turn.
public final class LeastLoadedBalancer: Balancer {
    private let turn = TurnCursor()

    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        return self.turn.pick(
            TurnCursor.lowest(candidates) { Self.load(targets[$0]) }, isPeek: question.isPeek)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let next = self.turn.pick(TurnCursor.lowest(candidates) { Self.load(targets[$0]) }, isPeek: true)
        return .ofCosts(candidates, next: next) { index in
            (
                Self.load(targets[index]),
                [
                    .init("in_flight", Double(targets[index].statistics.inFlight)),
                    .init("weight", targets[index].weight),
                ]
            )
        }
    }

    private static func load(_ target: Target) -> Double {
        Double(target.statistics.inFlight + 1) / max(target.weight, 1e-9)
    }
}

extension Balancer where Self == LeastLoadedBalancer {
    /// The fewest running calls.
    public static var leastLoaded: Self { LeastLoadedBalancer() }
}
