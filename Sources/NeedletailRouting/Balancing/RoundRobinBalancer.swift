import Synchronization

/// Each target in turn.
public final class RoundRobinBalancer: Balancer {
    private let cursor = Atomic<UInt>(0)

    /// Creates the balancer; the first request goes to the first target.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        guard !targets.isEmpty else { return nil }
        let turn =
            question.isPeek
            ? self.cursor.load(ordering: .relaxed) : self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue
        let start = Int(turn % UInt(targets.count))
        for step in targets.indices {
            let index = (start + step) % targets.count
            if candidates.contains(index) { return index }
        }
        return nil
    }
}

extension Balancer where Self == RoundRobinBalancer {
    /// Each target in turn.
    public static var roundRobin: Self { RoundRobinBalancer() }
}
