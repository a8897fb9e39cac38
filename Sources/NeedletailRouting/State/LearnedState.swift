import NeedletailCore

/// What a bandit knows of targets by class of request. Pure: time comes as results, chance as a sampler.
///
/// Each target of a class is an arm with a beta distribution of its reward; the arm whose draw is highest is asked
/// (Thompson sampling; Agrawal and Goyal, "Analysis of Thompson Sampling for the Multi-armed Bandit Problem", 2012). A
/// call's reward is 0 for a failure, else
///
///     success + latency · l/(l + own latency) + cost · c/(c + own cost)
///
/// with weights that sum to 1, where `l` and `c` are the class's moving averages, so that the average call earns half of
/// each. What was learnt is discounted with every call of the arm, so that about the last 200 count.
struct LearnedState: Sendable, Hashable {
    /// What the reward weighs, and how much is explored.
    struct Options: Sendable, Hashable {
        /// Default 0.6.
        var success = 0.6
        /// Default 0.25.
        var latency = 0.25
        /// Default 0.15.
        var cost = 0.15
        /// The share of requests that every target gets whatever was learnt, 0 to 0.5; default 0.02. With so many targets
        /// that the floors would sum to more than all, each gets the same.
        var floor = 0.02
    }

    /// What is known of a target for one class.
    struct Arm: Sendable, Hashable {
        /// The discounted sum of rewards.
        var reward = 0.0
        /// The discounted sum of what was missing to 1.
        var regret = 0.0
        /// The expected reward, with one call of each kind taken for granted.
        var mean: Double { (self.reward + 1) / (self.reward + self.regret + 2) }
    }

    /// What is known of a class.
    struct Class: Sendable, Hashable {
        /// By the target's index.
        var arms: [Arm]
        /// Nanoseconds; 0 while nothing is known.
        var latency = 0.0
        /// Pico-dollars; 0 while nothing is known.
        var cost = 0.0
    }

    /// How much of what was learnt outlives a call.
    static let discount = 0.995
    /// The most that an arm's discounted sums come to.
    static let memory = 1 / (1 - Self.discount)
    /// How much a call weighs in a class's averages.
    private static let averageWeight = 0.02

    let options: Options
    private(set) var classes: [Class?]

    init(_ options: Options = Options()) {
        var options = options
        let sum = options.success + options.latency + options.cost
        if sum > 0 {
            options.success /= sum
            options.latency /= sum
            options.cost /= sum
        } else {
            options = Options(floor: options.floor)
        }
        options.floor = min(max(0, options.floor), 0.5)
        self.options = options
        self.classes = Array(repeating: nil, count: FeatureClass.count)
    }

    /// Chooses an arm.
    func choose(_ kind: FeatureClass, among candidates: TargetSet, _ sampler: inout BetaSampler) -> Int? {
        guard candidates.count > 1 else { return candidates.first }
        let share = min(1, self.options.floor * Double(candidates.count))
        let unit = sampler.unit()
        if unit < share {
            return candidates.member(at: min(candidates.count - 1, Int(unit / share * Double(candidates.count))))
        }
        var best: (index: Int, draw: Double)?
        for index in candidates {
            let arm = self.arm(kind, index)
            let draw = sampler.beta(arm.reward + 1, arm.regret + 1)
            if best.map({ draw > $0.draw }) ?? true { best = (index, draw) }
        }
        return best?.index
    }

    /// What is known of an arm.
    func arm(_ kind: FeatureClass, _ index: Int) -> Arm {
        guard let known = self.classes[kind.index], index < known.arms.count else { return Arm() }
        return known.arms[index]
    }

    /// Learns how a call went.
    ///
    /// - Parameters:
    ///   - count: How many targets there are.
    ///   - latency: Nanoseconds.
    ///   - cost: Pico-dollars; `nil` where it is not known, which earns the average.
    mutating func record(
        _ kind: FeatureClass, _ index: Int, of count: Int, succeeded: Bool, latency: Double, cost: Double?
    ) {
        var known = self.classes[kind.index] ?? Class(arms: [])
        if known.arms.count < count {
            known.arms += Array(repeating: Arm(), count: count - known.arms.count)
        }
        guard known.arms.indices.contains(index) else { return }
        var reward = 0.0
        if succeeded {
            Self.average(&known.latency, max(latency, 1))
            let speed = known.latency / (known.latency + max(latency, 1))
            var thrift = 0.5
            if let cost, cost >= 0 {
                Self.average(&known.cost, cost)
                if known.cost > 0 { thrift = known.cost / (known.cost + cost) }
            }
            reward = self.options.success + self.options.latency * speed + self.options.cost * thrift
        }
        known.arms[index].reward = known.arms[index].reward * Self.discount + reward
        known.arms[index].regret = known.arms[index].regret * Self.discount + 1 - reward
        self.classes[kind.index] = known
    }

    private static func average(_ mean: inout Double, _ sample: Double) {
        mean = mean == 0 ? sample : mean + Self.averageWeight * (sample - mean)
    }

    /// Puts what was learnt earlier in place of what is known of a class.
    mutating func restore(_ kind: FeatureClass, _ learnt: Class) {
        self.classes[kind.index] = learnt
    }
}
