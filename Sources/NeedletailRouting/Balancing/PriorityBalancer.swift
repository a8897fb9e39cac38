public import NeedletailCore

/// The target with the lowest priority number; among equals the first in the list.
public struct PriorityBalancer: Balancer {
    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:random:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, random: RandomSource) -> Int? {
        var best: Int?
        for index in targets.indices where candidates.contains(index) {
            if let current = best, targets[current].priority <= targets[index].priority { continue }
            best = index
        }
        return best
    }
}

extension Balancer where Self == PriorityBalancer {
    /// The target with the lowest priority number.
    public static var priority: Self { PriorityBalancer() }
}
