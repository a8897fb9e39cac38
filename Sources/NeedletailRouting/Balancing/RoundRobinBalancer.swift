import Synchronization

/// Each target in turn.
///
/// The turn is counted over those that may be asked, so that the one after a target that is out gets no double share.
public final class RoundRobinBalancer: Balancer {
    private let cursor = Atomic<UInt>(0)

    /// Creates the balancer; the first request goes to the first target.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        guard !candidates.isEmpty else { return nil }
        let turn =
            question.isPeek
            ? self.cursor.load(ordering: .relaxed) : self.cursor.wrappingAdd(1, ordering: .relaxed).oldValue
        return candidates.member(at: Int(turn % UInt(candidates.count)))
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let turn = Int(self.cursor.load(ordering: .relaxed) % UInt(Swift.max(1, candidates.count)))
        let order = (0..<candidates.count).compactMap { candidates.member(at: ($0 + turn) % candidates.count) }
        return order.enumerated().map { place, index in
            TargetScore(
                index, score: -Double(place), share: place == 0 ? 1 : 0, parts: [.init("turns_until", Double(place))])
        }
    }
}

extension Balancer where Self == RoundRobinBalancer {
    /// Each target in turn.
    public static var roundRobin: Self { RoundRobinBalancer() }
}
