public import NeedletailCore

/// The experiments and rules of a configuration, which stand before the ``ModelDirectory``: they see the name that the
/// client asked for, and the first that holds decides. Experiments come before rules.
public struct RoutingRules: Sendable {
    /// What was decided about a request.
    public enum Decision: Sendable {
        /// Nothing: the name decides.
        case none
        /// A rule holds.
        case rule(RoutingRule)
        /// An experiment holds, and an arm of it was drawn.
        case experiment(ExperimentArm)
    }

    /// The experiments, in order.
    public let experiments: [Experiment]
    /// The rules, in order.
    public let rules: [RoutingRule]
    private let wallSeconds: @Sendable () -> Int64

    /// Creates a list.
    public init(experiments: [Experiment] = [], rules: [RoutingRule] = [], time: TimeSource) {
        self.experiments = experiments
        self.rules = rules
        self.wallSeconds = time.wallSeconds
    }

    /// The names that experiments and rules are about, without patterns: what a client may ask for, given the rest fits.
    public var modelNames: [String] {
        let conditions = self.experiments.map(\.condition) + self.rules.map(\.condition)
        var names: [String] = []
        for glob in conditions.flatMap(\.models) where glob.isLiteral && !names.contains(glob.pattern) {
            names.append(glob.pattern)
        }
        return names
    }

    /// Whether there is nothing to look at.
    var isEmpty: Bool { self.experiments.isEmpty && self.rules.isEmpty }

    /// The first that holds.
    ///
    /// A request that goes on from what a provider keeps passes over all that do not lead to this provider.
    func decide(_ request: InferenceRequest, _ info: RequestInfo) -> Decision {
        for experiment in self.experiments
        where experiment.condition.firstMismatch(request, info, wallSeconds: self.wallSeconds) == nil {
            let arm = experiment.arm(for: request, info)
            if Self.mayServe(arm.destination, request) { return .experiment(arm) }
        }
        for rule in self.rules
        where Self.mayServe(rule.destination, request)
            && rule.condition.firstMismatch(request, info, wallSeconds: self.wallSeconds) == nil
        {
            return .rule(rule)
        }
        return .none
    }

    private static func mayServe(_ destination: RoutingDestination, _ request: InferenceRequest) -> Bool {
        request.pin.map { destination.providers.contains($0) } ?? true
    }

    /// Why each experiment and rule holds or does not, in order, up to and with the first that does. Counts nothing.
    public func explain(_ request: InferenceRequest, _ info: RequestInfo) -> [RuleVerdict] {
        var verdicts: [RuleVerdict] = []
        for experiment in self.experiments {
            let arm = experiment.arm(for: request, info)
            let verdict = self.verdict(
                .experiment, experiment.name, experiment.condition, arm.destination, arm: arm.name, request, info)
            verdicts.append(verdict)
            if verdict.holds { return verdicts }
        }
        for rule in self.rules {
            let verdict = self.verdict(.rule, rule.name, rule.condition, rule.destination, arm: nil, request, info)
            verdicts.append(verdict)
            if verdict.holds { return verdicts }
        }
        return verdicts
    }

    private func verdict(
        _ kind: RuleVerdict.Kind,
        _ name: String,
        _ condition: RuleCondition,
        _ destination: RoutingDestination,
        arm: String?,
        _ request: InferenceRequest,
        _ info: RequestInfo
    ) -> RuleVerdict {
        let mismatch = condition.firstMismatch(request, info, wallSeconds: self.wallSeconds)
        let reason: RuleVerdict.Reason =
            if let mismatch { .mismatch(mismatch) } else if !Self.mayServe(destination, request) {
                .otherProviderKeepsState
            } else { .holds }
        return RuleVerdict(kind: kind, name: name, destination: destination, arm: arm, reason: reason)
    }
}
