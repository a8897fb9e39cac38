import NeedletailCore
import NeedletailRouting

/// What is known of the deployments, read when somebody asks.
enum DeploymentMetrics {
    /// Reads what the routers know.
    static func read(_ deployments: [Deployment], now: Instant) -> [MetricReading] {
        let labels = deployments.map { deployment in
            MetricLabels([
                "provider": deployment.key.provider.rawValue, "model": deployment.key.model ?? "*",
            ])
        }
        let all = Array(zip(labels, deployments.map(\.statistics)))
        return [
            .gauge(
                "needletail_deployment_in_flight", "Calls to a model at a provider that run.",
                all.map { ($0, Double($1.inFlight)) }),
            .gauge(
                "needletail_deployment_health_score", "How well a model at a provider does, 0 to 1.",
                all.map { ($0, $1.health(now: now)) }),
            .gauge(
                "needletail_deployment_error_ratio", "The share of its calls that failed of late, 0 to 1.",
                all.map { ($0, $1.errorRate) }),
            .gauge(
                "needletail_deployment_headroom_ratio", "What is left of its tightest rate limit, 0 to 1.",
                all.map { ($0, $1.headroom) }),
        ]
    }
}
