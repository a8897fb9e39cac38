import NeedletailGateway

/// The health of the providers, read when somebody asks.
enum HealthMetrics {
    /// Reads a report.
    static func read(_ report: HealthReport) -> [MetricReading] {
        let labels = report.providers.map { MetricLabels(["provider": $0.name]) }
        let all = Array(zip(labels, report.providers))
        return [
            .gauge(
                "needletail_provider_up", "Whether a provider may be expected to answer: 1, else 0.",
                all.map { ($0, $1.isHealthy ? 1 : 0) }),
            .gauge(
                "needletail_provider_health_score", "How well a provider does, 0 to 1.",
                all.map { ($0, $1.healthScore) }),
            .gauge(
                "needletail_provider_circuit_state",
                "The circuit breakers of a provider together: 0 closed, 1 half open, 2 open.",
                all.map { ($0, Self.number($1.circuitState)) }),
        ]
    }

    private static func number(_ state: String) -> Double {
        switch HealthAssessment.Circuit(rawValue: state) {
        case .open: 2
        case .halfOpen: 1
        case .closed, nil: 0
        }
    }
}
