import NeedletailCore

/// Requests of one kind, divided among arms that are compared. Who has drawn an arm stays with it.
public final class Experiment: Sendable {
    /// The name.
    public let name: String
    /// Which requests take part.
    public let condition: RuleCondition
    /// The arms; the first is what the others are compared with. At least one.
    public let arms: [ExperimentArm]
    private let draw: StickyShare
    /// Where each arm's share ends, rising to 1.
    private let bounds: [Double]

    /// Creates an experiment.
    ///
    /// - Parameters:
    ///   - arms: At least one, with weights that do not all vanish; if they do, all count alike.
    ///   - draw: How arms are drawn.
    public init(_ name: String, condition: RuleCondition, arms: [ExperimentArm], draw: StickyShare) {
        self.name = name
        self.condition = condition
        self.arms = arms
        self.draw = draw
        let sum = arms.reduce(0) { $0 + $1.weight }
        var end = 0.0
        self.bounds = arms.map { arm in
            end += sum > 0 ? arm.weight / sum : 1 / Double(arms.count)
            return end
        }
    }

    /// The arm that a request draws. Changes nothing.
    func arm(for request: InferenceRequest, _ info: RequestInfo) -> ExperimentArm {
        guard self.arms.count > 1 else { return self.arms[0] }
        let unit = self.draw.unit(request, info)
        // The last bound may fall short of 1 by rounding.
        let index = self.bounds.firstIndex { unit < $0 } ?? self.lastDrawn
        return self.arms[index]
    }

    private var lastDrawn: Int { self.arms.lastIndex { $0.weight > 0 } ?? self.arms.count - 1 }

    /// Forgets what the arms have shown.
    public func reset() {
        for arm in self.arms { arm.reset() }
    }
}
