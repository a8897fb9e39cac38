import NeedletailCore

/// The cheapest for this request: its estimated input tokens, and the output that the client allows (1,000 tokens where
/// it does not say). One whose price is not known comes after all others. Ties go by priority, then by place.
public struct CostOptimalBalancer: Balancer {
    /// The output that is reckoned with where the client sets no limit.
    static let usualOutput = 1_000

    /// Creates the balancer.
    public init() {}

    /// See ``Balancer/pick(from:among:for:)``.
    public func pick(from targets: [Target], among candidates: TargetSet, for question: RoutingQuestion) -> Int? {
        var best: (index: Int, cost: Int64, priority: Int)?
        for index in candidates where index < targets.count {
            let cost = targets[index].quote(question) ?? .max
            let priority = targets[index].priority
            if let best, (best.cost, best.priority) <= (cost, priority) { continue }
            best = (index, cost, priority)
        }
        return best?.index
    }

    /// See ``Balancer/scores(of:among:for:)``.
    public func scores(
        of targets: [Target], among candidates: TargetSet, for question: RoutingQuestion
    ) -> [TargetScore] {
        let candidates = candidates.intersection(TargetSet(count: targets.count))
        let quotes = candidates.map { (index: $0, cost: targets[$0].quote(question)) }.sorted {
            ($0.cost ?? .max, targets[$0.index].priority, $0.index)
                < ($1.cost ?? .max, targets[$1.index].priority, $1.index)
        }
        return quotes.enumerated().map { place, quote in
            let dollars = quote.cost.map { Double($0) / 1e12 }
            return TargetScore(
                quote.index, score: -(dollars ?? .infinity), share: place == 0 ? 1 : 0,
                parts: (dollars.map { [.init("cost_usd", $0)] } ?? [])
                    + [.init("priority", Double(targets[quote.index].priority))])
        }
    }
}

extension Target {
    /// Pico-dollars for a request; `nil` where nobody knows.
    func quote(_ question: RoutingQuestion) -> Int64? {
        self.price?.quote(
            self.model ?? question.model, question.estimatedInputTokens,
            question.maxOutputTokens ?? CostOptimalBalancer.usualOutput)
    }
}

extension Balancer where Self == CostOptimalBalancer {
    /// The cheapest.
    public static var costOptimal: Self { CostOptimalBalancer() }
}
