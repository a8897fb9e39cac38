public import NeedletailCore
import Synchronization

/// Each target in turn.
public final class RoundRobinBalancer: Balancer {
    private let cursor = Atomic<UInt>(0)

    /// Creates the balancer; the first request goes to the first target.
    public init() {}

    /// See ``Balancer/pick(from:among:random:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, random: RandomSource) -> Int? {
        guard !targets.isEmpty else { return nil }
        let start = Int(self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(targets.count))
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
