/// When a circuit breaker opens, for how long, and what closes it again.
public struct CircuitBreakerPolicy: Sendable, Hashable {
    /// Failures in a row that open it; from 1. Default 5.
    public var failureThreshold: Int
    /// Successes of probes that close it; from 1. Default 2.
    public var successThreshold: Int
    /// How long it stays open the first time. Default 60 s.
    public var recoveryTimeout: Duration
    /// How many probes may run at a time while it is half open; from 1. Default 3.
    public var halfOpenLimit: Int
    /// The share of failures within ``window`` that opens it, above 0 up to 1; `nil` for never. Default 0.5, as in
    /// resilience4j: <https://resilience4j.readme.io/docs/circuitbreaker>.
    public var errorRate: Double?
    /// How far back ``errorRate`` looks. Default 60 s.
    public var window: Duration
    /// How many calls ``errorRate`` needs within the window before it means anything; from 1. Default 20.
    public var minimumRequests: Int

    /// What the time open is doubled to at most, when probe after probe fails: so many times ``recoveryTimeout``.
    public static let maximumGrowth = 8
    /// The share of the time open that is added at random, so that gateways do not probe together.
    public static let jitter = 0.1

    /// Creates a policy; what is out of range is moved into it.
    public init(
        failureThreshold: Int = 5,
        successThreshold: Int = 2,
        recoveryTimeout: Duration = .seconds(60),
        halfOpenLimit: Int = 3,
        errorRate: Double? = 0.5,
        window: Duration = .seconds(60),
        minimumRequests: Int = 20
    ) {
        self.failureThreshold = max(1, failureThreshold)
        self.successThreshold = max(1, successThreshold)
        self.recoveryTimeout = max(.zero, recoveryTimeout)
        self.halfOpenLimit = max(1, halfOpenLimit)
        self.errorRate = errorRate
        self.window = max(.milliseconds(1), window)
        self.minimumRequests = max(1, minimumRequests)
    }

    /// How long it stays open.
    ///
    /// - Parameters:
    ///   - opening: Counted from 1; starts again when the breaker closes.
    ///   - unit: A random number from 0 up to 1.
    func recovery(opening: Int, unit: Double) -> Duration {
        let growth = min(Self.maximumGrowth, 1 << min(max(0, opening - 1), 16))
        return self.recoveryTimeout * growth + self.recoveryTimeout * (Double(growth) * Self.jitter * unit)
    }
}
