import NeedletailCore

/// The best by several measures at once, each from 0 to 1, weighed by configuration; ties in turn.
///
/// - latency: the lowest ``PeakEWMA`` of all candidates over the target's own; 1 for one that was never
///   asked.
/// - errors: 1 less the error rate.
/// - cost: the lowest price of all candidates over the target's own; 0 for one that is not known, unless none is.
/// - load: the fewest running calls (and the one that would come) for its weight of all candidates, over its own.
/// - headroom: what is left of the target's tightest rate limit.
///
/// Latency and errors fade while a target is not used, so that one that did badly is tried again.
public final class AdaptiveBalancer: Balancer {
    /// What each measure weighs; only the relations matter.
    public struct Weights: Sendable, Hashable {
        /// Default 0.3.
        public var latency: Double
        /// Default 0.3.
        public var errors: Double
        /// Default 0.1.
        public var cost: Double
        /// Default 0.2.
        public var load: Double
        /// Default 0.1.
        public var headroom: Double

        /// Creates weights; those below zero count as zero, and all zero as the defaults.
        public init(
            latency: Double = 0.3, errors: Double = 0.3, cost: Double = 0.1, load: Double = 0.2, headroom: Double = 0.1
        ) {
            self.latency = max(0, latency)
            self.errors = max(0, errors)
            self.cost = max(0, cost)
            self.load = max(0, load)
            self.headroom = max(0, headroom)
            if !(self.sum > 0) { self = Self() }
        }

        var sum: Double { self.latency + self.errors + self.cost + self.load + self.headroom }
    }

    private let weights: Weights
    private let turn = TurnCursor()

    /// Creates the balancer.
    public init(_ weights: Weights = Weights()) {
        self.weights = weights
    }

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        guard candidates.count > 1 else { return candidates.first }
        let best = Best(targets, candidates, question, looksAtCost: self.weights.cost > 0)
        return self.turn.pick(
            TurnCursor.lowest(candidates) { -self.score(best.measures(targets[$0], question)) },
            isPeek: question.isPeek)
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let best = Best(targets, candidates, question, looksAtCost: self.weights.cost > 0)
        let next = self.turn.pick(
            TurnCursor.lowest(candidates) { -self.score(best.measures(targets[$0], question)) }, isPeek: true)
        return .ofCosts(candidates, next: next) { index in
            let measures = best.measures(targets[index], question)
            return (
                -self.score(measures),
                [
                    .init("latency", measures.latency), .init("errors", measures.errors), .init("cost", measures.cost),
                    .init("load", measures.load), .init("headroom", measures.headroom),
                ]
            )
        }
    }

    private func score(_ measures: Weights) -> Double {
        let weights = self.weights
        let sum =
            weights.latency * measures.latency + weights.errors * measures.errors + weights.cost * measures.cost
            + weights.load * measures.load + weights.headroom * measures.headroom
        return sum / weights.sum
    }

    /// The best of all candidates by each measure that is compared.
    private struct Best {
        var latency = Double.infinity
        var cost = Double.infinity
        var load = Double.infinity
        let looksAtCost: Bool

        init(_ targets: [Target], _ candidates: TargetSet, _ question: RoutingQuestion, looksAtCost: Bool) {
            self.looksAtCost = looksAtCost
            for index in candidates {
                let target = targets[index]
                let peak = target.statistics.peak
                if peak.cost > 0 { self.latency = min(self.latency, peak.value(now: question.now)) }
                if looksAtCost, let quote = target.quote(question) { self.cost = min(self.cost, Double(quote)) }
                self.load = min(self.load, Self.load(target))
            }
        }

        /// Each measure of a target, 0 to 1.
        func measures(_ target: Target, _ question: RoutingQuestion) -> Weights {
            let statistics = target.statistics
            let peak = statistics.peak
            let errors = statistics.errorRate(now: question.now)
            let latency = peak.cost > 0 ? Self.ratio(self.latency, peak.value(now: question.now)) : 1
            var cost = 1.0
            if self.looksAtCost, self.cost.isFinite {
                cost = target.quote(question).map { Self.ratio(self.cost, Double($0)) } ?? 0
            }
            var measures = Weights()
            measures.latency = latency
            measures.errors = 1 - errors
            measures.cost = cost
            measures.load = Self.ratio(self.load, Self.load(target))
            measures.headroom = statistics.headroom
            return measures
        }

        private static func load(_ target: Target) -> Double {
            Double(target.statistics.inFlight + 1) / max(target.weight, 1e-9)
        }

        private static func ratio(_ best: Double, _ own: Double) -> Double {
            own > 0 ? min(1, max(0, best / own)) : 1
        }
    }
}

extension Balancer where Self == AdaptiveBalancer {
    /// The best by several measures.
    public static var adaptive: Self { AdaptiveBalancer() }
}
