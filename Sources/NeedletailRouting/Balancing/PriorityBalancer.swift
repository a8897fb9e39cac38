/// The target with the lowest priority number; among equals the first in the list.
public struct PriorityBalancer: Balancer {
    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        var best: Int?
        for index in candidates where index < targets.count {
            if let current = best, targets[current].priority <= targets[index].priority { continue }
            best = index
        }
        return best
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let ordered = candidates.filter { $0 < targets.count }
            .sorted { (targets[$0].priority, $0) < (targets[$1].priority, $1) }
        return ordered.enumerated().map { place, index in
            TargetScore(
                index, score: -Double(targets[index].priority), share: place == 0 ? 1 : 0,
                parts: [.init("priority", Double(targets[index].priority))])
        }
    }
}

extension Balancer where Self == PriorityBalancer {
    /// The target with the lowest priority number.
    public static var priority: Self { PriorityBalancer() }
}
