import NeedletailCore
import Synchronization

/// Learns which target does best for which kind of request: a bandit over success, latency and cost.
///
/// See `LearnedState` for how. What was learnt outlives the process with ``exported(for:)`` and ``restore(_:for:)``.
public final class LearnedBalancer: Balancer {
    let state: Mutex<LearnedState>

    /// Creates a balancer that knows nothing.
    ///
    /// - Parameters:
    ///   - success: What success weighs in the reward; only the relations of the three matter. Default 0.6.
    ///   - latency: What latency weighs. Default 0.25.
    ///   - cost: What cost weighs. Default 0.15.
    ///   - floor: The share of requests that every target gets whatever was learnt, 0 to 0.5. Default 0.02.
    public init(success: Double = 0.6, latency: Double = 0.25, cost: Double = 0.15, floor: Double = 0.02) {
        self.state = Mutex(
            LearnedState(
                LearnedState.Options(
                    success: max(0, success), latency: max(0, latency), cost: max(0, cost), floor: floor)))
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        guard candidates.count > 1 else { return candidates.first }
        var sampler = BetaSampler(seed: question.random.next())
        let kind = FeatureClass(question)
        return self.state.withLock { $0.choose(kind, among: candidates, &sampler) }
    }

    /// See ``Balancer/scores(of:among:for:)``: by the expected reward, which the draw need not follow.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let next = self.pick(from: targets, among: candidates, for: question)
        let kind = FeatureClass(question)
        let state = self.state.withLock { $0 }
        var scores = candidates.map { index in
            let arm = state.arm(kind, index)
            return TargetScore(
                index, score: arm.mean,
                parts: [.init("expected_reward", arm.mean), .init("calls_remembered", arm.reward + arm.regret)])
        }
        scores.sort {
            ($0.index == next ? 1 : 0, $0.score, -$0.index) > ($1.index == next ? 1 : 0, $1.score, -$1.index)
        }
        return scores
    }

    /// See ``Balancer/record(_:of:in:for:)``. What blames nobody teaches nothing.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        guard result.verdict != .neutral, targets.indices.contains(index) else { return }
        let target = targets[index]
        let cost = result.usage.flatMap { usage in
            target.price?.quote(target.model ?? question.model, usage.inputTokens, usage.outputTokens)
        }
        let kind = FeatureClass(question)
        self.state.withLock {
            $0.record(
                kind, index, of: targets.count, succeeded: result.verdict == .success,
                latency: Double(result.latency.wholeNanoseconds), cost: cost.map(Double.init))
        }
    }
}

extension Balancer where Self == LearnedBalancer {
    /// Learns which target does best.
    public static var learned: Self { LearnedBalancer() }
}
