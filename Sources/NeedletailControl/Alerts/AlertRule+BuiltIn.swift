extension AlertRule {
    /// The rules that hold without being written; `docs/alerts.md` says what to do about each.
    static let builtIn: [AlertRule] = [
        Self.make("provider_errors", .errorRate, .provider, 0.2, clear: 0.1, for: .seconds(120), .warning),
        Self.make("provider_slow", .firstTokenP95, .provider, 10, clear: 8, for: .seconds(300), .warning),
        Self.make("provider_unhealthy", .health, .provider, 0.3, clear: 0.5, for: .seconds(60), .critical),
        Self.make("breaker_open", .breakerOpen, .model, 1, clear: 1, for: .zero, .warning),
        Self.make("requests_failing", .errorRate, .gateway, 0.05, clear: 0.02, for: .seconds(300), .critical),
        Self.make("budget_nearly_spent", .budgetUsed, .budget, 0.8, clear: 0.8, for: .zero, .warning),
        Self.make("budget_spent", .budgetUsed, .budget, 0.98, clear: 0.98, for: .zero, .critical),
        // NIST and the providers' own advice name 90 days for credentials that people keep.
        Self.make("key_old", .keyAge, .key, 90 * 86_400, clear: 90 * 86_400, for: .zero, .info),
    ]

    private static func make(
        _ name: String, _ metric: AlertMetric, _ dimension: AlertScope.Dimension, _ threshold: Double, clear: Double,
        for holds: Duration, _ severity: AlertSeverity
    ) -> Self {
        var rule = Self(
            name: name, metric: metric, scope: AlertScope(dimension), threshold: threshold, clear: clear)
        rule.holds = holds
        rule.severity = severity
        rule.isBuiltIn = true
        return rule
    }

    /// The rule behind the objectives' burn rates over one pair of windows.
    static func burning(_ window: BurnWindow) -> Self {
        var rule = Self(
            name: window.name, metric: .burnRate, scope: AlertScope(.objective), threshold: window.factor,
            clear: window.factor)
        rule.severity = window.severity
        rule.isBuiltIn = true
        return rule
    }
}
