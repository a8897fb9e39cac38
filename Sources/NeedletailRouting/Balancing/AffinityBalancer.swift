public import NeedletailCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Sends requests that belong together to the same target, as long as it may be asked.
///
/// The target is found by rendezvous hashing (Thaler and Ravishankar 1998) with weights: nothing is remembered, every
/// process finds the same one, and when a target comes or goes only its own requests move.
public struct AffinityBalancer: Balancer {
    private let base: any Balancer
    private let rule: AffinityRule

    /// Creates the balancer.
    ///
    /// - Parameters:
    ///   - base: Who chooses for requests that belong nowhere.
    ///   - rule: What requests have in common.
    public init(_ base: any Balancer, rule: AffinityRule) {
        self.base = base
        self.rule = rule
    }

    /// See ``Balancer/affinity(of:_:)``.
    public func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64? {
        self.rule.hash(of: request, context)
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        guard let affinity = question.affinity else {
            return self.base.pick(from: targets, among: candidates, for: question)
        }
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        return Self.home(of: affinity, targets, self.able(targets, candidates))
            ?? self.base.pick(from: targets, among: candidates, for: question)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let scores = self.base.scores(of: targets, among: candidates, for: question)
        guard let affinity = question.affinity else { return scores }
        var able = self.able(targets, candidates)
        guard let home = Self.home(of: affinity, targets, able) else { return scores }
        // The home first, then where the request would go next: each one's home without those before it.
        var order = [home]
        able = candidates
        able.remove(home)
        while let next = Self.home(of: affinity, targets, able) {
            order.append(next)
            able.remove(next)
        }
        return order.enumerated().compactMap { place, index in
            guard var score = scores.first(where: { $0.index == index }) else { return nil }
            score.share = place == 0 ? 1 : 0
            score.score = Self.rank(affinity, targets[index])
            score.parts.append(.init("affinity_place", Double(place)))
            return score
        }
    }

    /// See ``Balancer/record(_:of:in:for:)``.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        self.base.record(result, of: index, in: targets, for: question)
    }

    /// The candidates that take requests for what they remember: a cached prompt is not worth a long queue, so a target
    /// with more than twice the mean of running calls (and more than four) is passed over. A session goes where it is at
    /// home, whatever the load.
    private func able(_ targets: [Target], _ candidates: TargetSet) -> TargetSet {
        guard self.rule == .promptCache, !candidates.isEmpty else { return candidates }
        var running = 0
        for index in candidates { running += targets[index].statistics.inFlight }
        let most = max(4, 2 * (running + 1) / candidates.count)
        var able = candidates
        for index in candidates where targets[index].statistics.inFlight > most { able.remove(index) }
        return able
    }

    private static func home(of affinity: UInt64, _ targets: [Target], _ candidates: TargetSet) -> Int? {
        var best: (index: Int, rank: Double)?
        for index in candidates {
            let rank = Self.rank(affinity, targets[index])
            if best.map({ rank > $0.rank }) ?? true { best = (index, rank) }
        }
        return best?.index
    }

    /// `-weight / ln(u)` makes the chance to have the highest rank proportional to the weight.
    private static func rank(_ affinity: UInt64, _ target: Target) -> Double {
        let unit = StableHash.unit(StableHash.mix(affinity ^ target.deployment.rendezvousHash))
        return -max(target.weight, 1e-9) / log(max(unit, 0x1p-60))
    }
}
