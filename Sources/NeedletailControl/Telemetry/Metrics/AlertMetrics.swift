/// The alerts and objectives, read when somebody asks.
enum AlertMetrics {
    /// Reads a monitor.
    static func read(_ monitor: AlertMonitor) -> [MetricReading] {
        let firing = Dictionary(grouping: monitor.active.filter(\.isFiring), by: \.rule.name)
        let rules = monitor.rules + (monitor.objectives.isEmpty ? [] : BurnWindow.all.map(AlertRule.burning))
        let webhooks = monitor.webhooks.map { (MetricLabels(["webhook": $0.configuration.name]), $0) }
        let now = monitor.now
        let promised = monitor.objectives.flatMap { state in
            Objective.Promise.allCases.filter { state.objective.target($0) != nil }.map { (state, $0) }
        }
        return [
            .gauge(
                "needletail_alerts_firing", "Alerts that are on.",
                rules.map {
                    (
                        MetricLabels(["alert": $0.name, "severity": $0.severity.rawValue]),
                        Double(firing[$0.name]?.count ?? 0)
                    )
                }),
            .counter(
                "needletail_webhook_sent_total", "Alerts that a webhook took.", webhooks.map { ($0, $1.sent) }),
            .counter(
                "needletail_webhook_failed_tries_total", "Tries to reach a webhook that failed.",
                webhooks.map { ($0, $1.failedTries) }),
            .counter(
                "needletail_webhook_dropped_total", "Alerts that a webhook never got.",
                webhooks.map { ($0, $1.dropped) }),
            .gauge(
                "needletail_objective_error_budget_left_ratio",
                "What is left of an objective's error budget: 1 all of it, below 0 overspent.",
                promised.map { state, promise in
                    (
                        MetricLabels(["objective": state.objective.name, "promise": promise.rawValue]),
                        1 - (state.burnRate(promise, state.objective.window, now: now) ?? 0)
                    )
                }),
        ].filter { !$0.samples.isEmpty } + Self.budgets(monitor.budgets)
    }

    private static func budgets(_ levels: [BudgetLevel]) -> [MetricReading] {
        let all = levels.map { (MetricLabels(["budget": $0.name, "unit": $0.unit]), $0) }
        guard !all.isEmpty else { return [] }
        return [
            .gauge("needletail_budget_limit", "What a budget allows.", all.map { ($0, $1.limit) }),
            .gauge("needletail_budget_spent", "What is spent of it.", all.map { ($0, $1.spent) }),
            .gauge("needletail_budget_held", "What is held for calls that run.", all.map { ($0, $1.held) }),
            .gauge("needletail_budget_remaining", "What may still be granted of it.", all.map { ($0, $1.remaining) }),
        ]
    }
}
