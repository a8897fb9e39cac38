import NeedletailCore
import NeedletailRouting

/// What is known of the deployments, read when somebody asks.
enum DeploymentMetrics {
    /// Reads what the routers know.
    ///
    /// - Parameter scopes: The limits of keys, tenants and groups.
    static func read(_ deployments: [Deployment], scopes: [LimitScope] = [], now: Instant) -> [MetricReading] {
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
            .gauge(
                "needletail_deployment_circuit_state",
                "The circuit breaker of a model at a provider: 0 closed, 1 half open, 2 open.",
                zip(labels, deployments).map { ($0, $1.gate.breaker.snapshot(now: now).number) }),
        ] + Self.limits(scopes + deployments.flatMap(\.gate.limits), now: now)
    }

    /// The limits that requests and calls pass, each once however many count in it.
    private static func limits(_ scopes: [LimitScope], now: Instant) -> [MetricReading] {
        var seen: Set<ObjectIdentifier> = []
        var (limits, remaining): ([(MetricLabels, Double)], [(MetricLabels, Double)]) = ([], [])
        for scope in scopes where seen.insert(ObjectIdentifier(scope)).inserted {
            let headroom = scope.headroom(now: now)
            let levels = [
                ("requests", headroom.requests), ("requests_per_hour", headroom.requestsPerHour),
                ("tokens", headroom.tokens),
            ]
            for case (let kind, let level?) in levels {
                let labels = MetricLabels(["scope": scope.name, "kind": kind])
                limits.append((labels, Double(level.limit)))
                remaining.append((labels, Double(level.remaining)))
            }
            if let concurrency = headroom.concurrency {
                let labels = MetricLabels(["scope": scope.name, "kind": "concurrency"])
                limits.append((labels, Double(concurrency)))
                remaining.append((labels, Double(max(0, concurrency - headroom.running))))
            }
        }
        return [
            .gauge("needletail_limit", "The most that a limit lets through at once.", limits),
            .gauge("needletail_limit_remaining", "What is left of a limit now.", remaining),
        ]
    }
}

extension CircuitBreakerState.Snapshot {
    /// The state as a number, what an operator ordered included.
    fileprivate var number: Double {
        switch HealthAssessment.Circuit(self) {
        case .closed: 0
        case .halfOpen: 1
        case .open: 2
        }
    }
}

extension HealthAssessment.Circuit {
    /// What calls find: the order where there is one, else the phase.
    init(_ snapshot: CircuitBreakerState.Snapshot) {
        switch (snapshot.override, snapshot.phase) {
        case (.open, _), (nil, .open): self = .open
        case (.closed, _), (nil, .closed): self = .closed
        case (nil, .halfOpen): self = .halfOpen
        }
    }
}
