import NeedletailCore
import NeedletailRouting

extension BudgetRule {
    /// How long a request waits for a budget's next stretch where the operator does not say.
    private static let usualQueue = Duration.seconds(60)

    /// Reads what a budget does as it is spent.
    ///
    /// - Parameter isTotal: Whether it has no end.
    static func spent(
        _ node: ConfigurationNode, isTotal: Bool, _ faults: inout FaultCollector
    ) -> (warnings: [Int], exhaustion: Exhaustion, clamps: Bool) {
        let warnings = (node.texts("warn") ?? ["0.8"]).compactMap { Money($0) }
            .map { Int(clamping: $0.picodollars / 1_000_000_000) }.sorted()
        var exhaustion = Exhaustion.refuse
        if let end = node["on_exhausted"] {
            let group = end.text("downgrade")
            let most = end.duration("queue") ?? (end.scalar?.text == "queue" ? Self.usualQueue : nil)
            switch (group, most) {
            case (let group?, nil): exhaustion = .downgrade(group)
            case (nil, let most?):
                exhaustion = .queue(most)
                if isTotal {
                    faults.error(
                        at: end.position, "a budget without an end has no next stretch to wait for",
                        "write per: day or another stretch, or on_exhausted: refuse")
                }
            case (.some, .some):
                faults.error(at: end.position, "'downgrade' and 'queue' are both there", "keep one of them")
            case (nil, nil):
                if case .mapping = end.content, end["downgrade"] == nil, end["queue"] == nil {
                    faults.error(
                        at: end.position, "'on_exhausted' says nothing", "write { downgrade: GROUP } or { queue: 30s }")
                }
            }
        }
        return (warnings, exhaustion, node.bool("clamp") ?? false)
    }
}
