import NeedletailCore

/// What an alert rule watches.
public enum AlertMetric: String, Sendable, Hashable, CaseIterable {
    /// The share of requests, or of calls to a provider, that failed.
    case errorRate = "error_rate"
    /// The median time to the end of a reply.
    case latencyP50 = "latency_p50"
    /// Its 95th percentile.
    case latencyP95 = "latency_p95"
    /// Its 99th percentile.
    case latencyP99 = "latency_p99"
    /// The median time to the first event of a stream.
    case firstTokenP50 = "ttft_p50"
    /// Its 95th percentile.
    case firstTokenP95 = "ttft_p95"
    /// Its 99th percentile.
    case firstTokenP99 = "ttft_p99"
    /// Whether a circuit breaker lets nothing through.
    case breakerOpen = "breaker_open"
    /// The part of a budget that is spent or held.
    case budgetUsed = "budget_used"
    /// The age of a stored key.
    case keyAge = "key_age"
    /// The health score of a provider.
    case health
    /// How many times faster than allowed an objective's error budget is spent; for the built-in rules alone.
    case burnRate = "burn_rate"

    /// What its values are.
    enum Unit: Sendable, Hashable {
        /// From 0 to 1, or somewhat above.
        case ratio
        /// Seconds.
        case duration
        /// 0 or 1.
        case flag
        /// A multiple.
        case factor
    }

    var unit: Unit {
        switch self {
        case .errorRate, .budgetUsed, .health: .ratio
        case .latencyP50, .latencyP95, .latencyP99, .firstTokenP50, .firstTokenP95, .firstTokenP99, .keyAge: .duration
        case .breakerOpen: .flag
        case .burnRate: .factor
        }
    }

    /// Whether low values are the bad ones.
    var isBadWhenLow: Bool { self == .health }

    /// What it can be watched of; the first is meant where a rule says nothing.
    var scopes: [AlertScope.Dimension] {
        switch self {
        case .errorRate, .latencyP50, .latencyP95, .latencyP99, .firstTokenP50, .firstTokenP95, .firstTokenP99:
            [.gateway, .provider, .model, .group, .key, .tenant]
        case .breakerOpen: [.model, .provider]
        case .budgetUsed: [.budget]
        case .keyAge: [.key]
        case .health: [.provider]
        case .burnRate: [.objective]
        }
    }

    /// Whether it is counted from requests and calls, over a window.
    var isCounted: Bool { self.scopes.first == .gateway }

    /// Those that a configuration may name.
    static let configurable = Self.allCases.filter { $0 != .burnRate }
}
