public import NeedletailCore

/// Brings a target back gradually: in the time after it returned, it is a candidate for a share of the requests that
/// grows from a tenth to all, as Envoy's slow start does it with weights
/// (<https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/slow_start>).
///
/// The share is relative to the candidate that is farthest, so that targets that all came back together, or a lone one,
/// are not held back. A request with an affinity always falls on the same side, so that a session comes back once.
public struct SlowStartBalancer: Balancer {
    /// The share to begin with, Envoy's default.
    static let leastShare = 0.1
    private let base: any Balancer
    private let window: Duration

    /// Creates the balancer.
    ///
    /// - Parameters:
    ///   - base: Who chooses.
    ///   - window: How long a target takes to its full share; above zero.
    public init(_ base: any Balancer, window: Duration) {
        self.base = base
        self.window = window
    }

    /// See ``Balancer/affinity(of:_:)``.
    public func affinity(of request: InferenceRequest, _ context: RequestContext) -> UInt64? {
        self.base.affinity(of: request, context)
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        self.base.pick(from: targets, among: self.admitted(targets, candidates, question), for: question)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let admitted = self.admitted(targets, candidates, question)
        var scores = self.base.scores(of: targets, among: admitted, for: question)
        for place in scores.indices {
            let share = self.share(targets[scores[place].index], question.now)
            if share < 1 { scores[place].parts.append(.init("slow_start", share)) }
        }
        for index in candidates.subtracting(admitted) where index < targets.count {
            scores.append(
                TargetScore(
                    index, score: -.infinity, share: 0,
                    parts: [.init("slow_start", self.share(targets[index], question.now))], leftOut: "slow start"))
        }
        return scores
    }

    /// See ``Balancer/record(_:of:in:for:)``.
    public func record(_ result: AttemptResult, of index: Int, in targets: [Target], for question: RoutingQuestion) {
        self.base.record(result, of: index, in: targets, for: question)
    }

    private func share(_ target: Target, _ now: Instant) -> Double {
        guard let back = target.statistics.recoveredAt else { return 1 }
        let age = now.duration(since: back)
        guard age < self.window else { return 1 }
        let part = Double(max(0, age.wholeNanoseconds)) / Double(max(1, self.window.wholeNanoseconds))
        return max(Self.leastShare, part)
    }

    private func admitted(_ targets: [Target], _ candidates: TargetSet, _ question: RoutingQuestion) -> TargetSet {
        var farthest = 0.0
        var slowest = 1.0
        for index in candidates where index < targets.count {
            let share = self.share(targets[index], question.now)
            farthest = max(farthest, share)
            slowest = min(slowest, share)
        }
        guard slowest < farthest else { return candidates }
        var admitted = candidates
        for index in candidates where index < targets.count {
            let share = self.share(targets[index], question.now)
            guard share < farthest else { continue }
            let unit =
                question.affinity.map {
                    StableHash.unit(StableHash.mix($0 ^ targets[index].deployment.rendezvousHash &+ 1))
                } ?? question.random.unit()
            if unit >= share / farthest { admitted.remove(index) }
        }
        return admitted
    }
}
