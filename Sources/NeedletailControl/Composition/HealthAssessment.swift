import NeedletailCore
import NeedletailGateway
import NeedletailRouting

/// Judges providers and the gateway by what health checks and traffic have shown. Pure; `docs/health.md` has the rules.
struct HealthAssessment {
    /// What is known of one model at a provider.
    struct Evidence: Sendable, Hashable {
        /// The score of its traffic, 0 to 1.
        var score = 1.0
        /// The share of its calls that failed of late, 0 to 1.
        var errorRate = 0.0
        /// The mean of its last latencies in milliseconds; `nil` while there is none.
        var latency: Double?
        /// When a call last told anything; `nil` for never.
        var lastEvidence: Instant?
        /// When a call last succeeded; `nil` for never.
        var lastSuccess: Instant?
        /// The state of its circuit breaker.
        var circuit = Circuit.closed
    }

    /// The states of a circuit breaker, as they are shown.
    enum Circuit: String, Sendable, Hashable {
        case closed
        case halfOpen = "half_open"
        case open
    }

    /// Below this a provider is degraded; the default of `health_threshold`.
    static let degradedBelow = 0.7
    /// Below this it is unhealthy.
    static let unhealthyBelow = 0.3
    /// Traffic that is older says nothing against a failing health check.
    static let freshness = Duration.seconds(60)

    /// The health of one provider.
    ///
    /// - Parameters:
    ///   - check: What its health checks showed; `nil` where it has none.
    ///   - wallSeconds: The time of day at `now`.
    static func provider(
        _ name: String, check: HealthMonitor.Status?, _ evidence: [Evidence], now: Instant, wallSeconds: Int64
    ) -> ProviderHealth {
        let known = evidence.filter { $0.lastEvidence != nil }
        let hasFailedCheck = check?.isHealthy == false
        let isFresh = known.contains {
            $0.lastEvidence.map { now.duration(since: $0) <= Self.freshness } ?? false
        }
        // A breaker that nothing has passed says nothing.
        let used = evidence.filter { $0.lastEvidence != nil || $0.circuit != .closed }
        let open = used.filter { $0.circuit == .open }.count
        var score = known.isEmpty ? 1 : known.map(\.score).reduce(0, +) / Double(known.count)
        if hasFailedCheck, !isFresh { score = 0 }
        let isCut = open > 0 && open == used.count
        let status: ProviderHealth.Status
        if isCut || score < Self.unhealthyBelow {
            status = .unhealthy
        } else if hasFailedCheck || score < Self.degradedBelow || evidence.contains(where: { $0.circuit != .closed }) {
            status = .degraded
        } else {
            status = .healthy
        }
        let lastSuccess = known.compactMap(\.lastSuccess).max()
            .map { wallSeconds - now.duration(since: $0).components.seconds }
        let latencies = known.compactMap(\.latency)
        return ProviderHealth(
            name: name,
            status: status,
            circuitState: Self.circuit(of: evidence, isCut: isCut).rawValue,
            healthScore: score,
            lastSuccess: [lastSuccess, check?.lastSuccess].compactMap { $0 }.max(),
            successRate: known.isEmpty ? nil : 1 - known.map(\.errorRate).reduce(0, +) / Double(known.count),
            averageResponseTime: latencies.isEmpty ? nil : latencies.reduce(0, +) / Double(latencies.count),
            lastError: status == .healthy ? nil : check?.lastError
        )
    }

    /// Open where nothing passes, half open where some of it does.
    private static func circuit(of evidence: [Evidence], isCut: Bool) -> Circuit {
        if isCut { return .open }
        return evidence.contains { $0.circuit != .closed } ? .halfOpen : .closed
    }

    /// The health of the gateway.
    static func report(_ providers: [ProviderHealth]) -> HealthReport {
        let unhealthy = providers.filter { $0.status == .unhealthy }.count
        let status: ProviderHealth.Status
        if unhealthy > 0, unhealthy == providers.count {
            status = .unhealthy
        } else if providers.contains(where: { $0.status != .healthy }) {
            status = .degraded
        } else {
            status = .healthy
        }
        // A failing check takes nothing out of service by itself; open breakers everywhere do.
        let isCut = !providers.isEmpty && providers.allSatisfy { $0.circuitState == Circuit.open.rawValue }
        return HealthReport(isHealthy: !isCut, status: status.rawValue, providers: providers)
    }
}
