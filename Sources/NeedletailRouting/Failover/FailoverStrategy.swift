/// How a ``FailoverGroup`` chooses among its members.
public enum FailoverStrategy: Sendable {
    /// The lowest priority first; among equals the first of the list.
    case priority
    /// In turn.
    case roundRobin
    /// By weight, evenly spread.
    case weighted
    /// The fewest running requests.
    case leastLoaded
    /// The quickest of late.
    case fastestFirst
    /// By speed, as a weight.
    case latencyWeighted
    /// The better of two at random, by load and latency.
    case loadBalanced
    /// The cheapest that can answer the request.
    case costOptimal
    /// The best by latency, errors, cost, load and headroom.
    case adaptive(AdaptiveBalancer.Weights = .init())
    /// By what has been learnt of success, latency and cost, with a least share for everybody.
    case learned
    /// By a rule of your own.
    case custom(any Balancer)

    /// Who chooses so; each call makes one that knows nothing.
    func makeBalancer() -> any Balancer {
        switch self {
        case .priority: .priority
        case .roundRobin: .roundRobin
        case .weighted: .weighted
        case .leastLoaded: .leastLoaded
        case .fastestFirst: .fastestFirst
        case .latencyWeighted: .latencyWeighted
        case .loadBalanced: .loadBalanced
        case .costOptimal: .costOptimal
        case .adaptive(let weights): AdaptiveBalancer(weights)
        case .learned: LearnedBalancer()
        case .custom(let balancer): balancer
        }
    }

    /// Whether weights say who is asked, so that they must not sum to nothing.
    var countsWeights: Bool { if case .weighted = self { true } else { false } }
    /// Whether members take turns.
    var takesTurns: Bool { if case .roundRobin = self { true } else { false } }
}
