import NeedletailRouting

extension LimitPolicy {
    /// The limits as configured.
    init(_ limits: LimitConfiguration) {
        self.init(
            concurrency: limits.concurrency, requestsPerMinute: limits.rpm, requestsPerHour: limits.rph,
            tokensPerMinute: limits.tpm, burst: limits.burst, isAdaptive: limits.adaptive)
    }
}

extension CircuitBreakerPolicy {
    /// The breaker as configured.
    init(_ breaker: CircuitBreakerConfiguration) {
        self.init(
            failureThreshold: breaker.failureThreshold, successThreshold: breaker.successThreshold,
            recoveryTimeout: breaker.recoveryTimeout, halfOpenLimit: breaker.halfOpenLimit,
            errorRate: breaker.errorRate > 0 ? breaker.errorRate : nil, window: breaker.window,
            minimumRequests: breaker.minimumRequests)
    }
}
