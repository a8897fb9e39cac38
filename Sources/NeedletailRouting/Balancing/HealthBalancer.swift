public import NeedletailCore
import Synchronization

/// Leaves out targets whose health is below a threshold, unless all are: then health says nothing (Envoy's panic rule,
/// <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold>).
///
/// A target that is left out hears of no call, so that its health returns by ``HealthState``'s recency; then it starts
/// slowly.
public final class HealthBalancer: Balancer {
    private let base: any Balancer
    private let threshold: Double
    /// The targets that were left out last, as a ``TargetSet``.
    private let ejected = Atomic<UInt64>(0)

    /// Creates the balancer.
    ///
    /// - Parameters:
    ///   - base: Who chooses among the healthy ones.
    ///   - threshold: From 0 to 1.
    public init(_ base: any Balancer, threshold: Double) {
        self.base = base
        self.threshold = threshold
    }

    /// See ``Balancer/affinity(of:_:)``.
    public func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64? {
        self.base.affinity(of: request, context)
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let healthy = self.healthy(targets, candidates, question)
        if !question.isPeek { self.note(targets, candidates, healthy, question.now) }
        return self.base.pick(from: targets, among: healthy.isEmpty ? candidates : healthy, for: question)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let healthy = self.healthy(targets, candidates, question)
        var scores = self.base.scores(of: targets, among: healthy.isEmpty ? candidates : healthy, for: question)
        for place in scores.indices {
            scores[place].parts.append(
                .init("health", targets[scores[place].index].statistics.health(now: question.now)))
        }
        guard !healthy.isEmpty else { return scores }
        for index in candidates.subtracting(healthy) where index < targets.count {
            let health = targets[index].statistics.health(now: question.now)
            scores.append(
                TargetScore(
                    index, score: -.infinity, share: 0, parts: [.init("health", health)],
                    leftOut: "health below \(self.threshold)"))
        }
        return scores
    }

    /// See ``Balancer/record(_:of:in:for:)``.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        self.base.record(result, of: index, in: targets, for: question)
    }

    private func healthy(_ targets: [Target], _ candidates: TargetSet, _ question: RoutingQuestion) -> TargetSet {
        var healthy = candidates
        for index in candidates where index < targets.count {
            if targets[index].statistics.health(now: question.now) < self.threshold { healthy.remove(index) }
        }
        return healthy
    }

    /// Begins the slow start of those that are healthy again.
    private func note(_ targets: [Target], _ candidates: TargetSet, _ healthy: TargetSet, _ now: Instant) {
        let before = TargetSet(bits: self.ejected.load(ordering: .relaxed))
        let back = before.intersection(healthy)
        let out = candidates.subtracting(healthy)
        guard !back.isEmpty || !out.subtracting(before).isEmpty else { return }
        self.ejected.bitwiseOr(out.bits, ordering: .relaxed)
        // Only the one request that takes the bit away starts the clock.
        let taken = self.ejected.bitwiseAnd(~back.bits, ordering: .relaxed).oldValue
        for index in TargetSet(bits: taken).intersection(back) where index < targets.count {
            targets[index].statistics.recover(now: now)
        }
    }
}
