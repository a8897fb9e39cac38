import Synchronization

/// By weight, evenly spread: nginx's smooth weighted round robin. With weights 5, 1, 1 the order is a a b a c a a.
///
/// Each turn every candidate gains its weight; the one that has most is picked and pays the sum of all. See
/// <https://github.com/nginx/nginx/commit/52327e0627f49dbda1e8db695e63a4b0af4448b1>. Where all candidates weigh
/// nothing, all weigh the same.
public final class WeightedBalancer: Balancer {
    private let credits = Mutex<[Double]>([])

    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        guard candidates.count > 1 else { return candidates.first }
        let even: Double = Self.isEven(targets, candidates) ? 1 : 0
        return self.credits.withLock { credits in
            if credits.count < targets.count { credits = Array(repeating: 0, count: targets.count) }
            var total = 0.0
            var best: (index: Int, credit: Double)?
            for index in candidates {
                let weight = targets[index].weight + even
                total += weight
                let credit = credits[index] + weight
                if !question.isPeek { credits[index] = credit }
                if weight > 0, best.map({ credit > $0.credit }) ?? true { best = (index, credit) }
            }
            guard let best else { return nil }
            if !question.isPeek { credits[best.index] -= total }
            return best.index
        }
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        var question = question
        question.isPeek = true
        let next = self.pick(from: targets, among: candidates, for: question)
        let even: Double = Self.isEven(targets, candidates) ? 1 : 0
        let credits = self.credits.withLock { $0 }
        return .ofCosts(candidates, next: next) { index in
            let weight = targets[index].weight + even
            let credit = index < credits.count ? credits[index] : 0
            return (-(credit + weight), [.init("weight", weight), .init("credit", credit)])
        }
    }

    private static func isEven(_ targets: [Target], _ candidates: TargetSet) -> Bool {
        for index in candidates where targets[index].weight > 0 { return false }
        return true
    }
}

extension Balancer where Self == WeightedBalancer {
    /// By weight, evenly spread.
    public static var weighted: Self { WeightedBalancer() }
}
