public import NeedletailCore
import Synchronization

/// What is known of a deployment by its traffic. Told by the router; read by balancers, health and metrics.
///
/// Every call is told by ``begin()``, then at most once by ``commit(latency:isStreamed:now:)``, then exactly once by
/// ``end(_:isCommitted:now:)``. What balancers read is published as atomics, so that choosing takes no lock.
public final class DeploymentStatistics: Sendable {
    private let running = Atomic<Int>(0)
    private let state = Mutex(DeploymentStatisticsState())

    // Published by `update`, each by itself: a reader may see one call's latency with the one before's time, which
    // moves a rating by nothing that matters.
    private let peakCost = Atomic<UInt64>(0)
    private let peakStamp = Atomic<Int64>(0)
    private let mean = Atomic<Int64>(-1)
    private let late = Atomic<UInt64>(0)
    private let errors = Atomic<UInt64>(0)
    private let healthCurrent = Atomic<UInt64>(Double(1).bitPattern)
    private let healthStamp = Atomic<Int64>(0)
    private let recovery = Atomic<Int64>(.min)
    private let room = Atomic<UInt64>(Double(1).bitPattern)

    /// Creates statistics of nothing.
    public init() {}

    // MARK: Told

    /// A call begins.
    public func begin() {
        self.running.wrappingAdd(1, ordering: .relaxed)
    }

    /// The reply was committed: the whole of it has arrived, or the first event of its stream.
    public func commit(latency: Duration, isStreamed: Bool, now: Instant) {
        self.update { $0.commit(latency: latency, isStreamed: isStreamed, now: now) }
    }

    /// A call ended, well or not.
    ///
    /// - Parameter isCommitted: Whether ``commit(latency:isStreamed:now:)`` has been told of it.
    public func end(_ result: AttemptResult, isCommitted: Bool, now: Instant) {
        self.running.wrappingSubtract(1, ordering: .relaxed)
        self.update { $0.end(result, isCommitted: isCommitted, now: now) }
    }

    /// A whole reply has come: ``commit(latency:isStreamed:now:)`` and ``end(_:isCommitted:now:)`` in one.
    func finish(_ result: AttemptResult, now: Instant) {
        self.running.wrappingSubtract(1, ordering: .relaxed)
        self.update { state in
            state.commit(latency: result.latency, isStreamed: false, now: now)
            state.end(result, isCommitted: true, now: now)
        }
    }

    /// The deployment is back after it was out (its breaker closed, its health returned): slow start begins.
    public func recover(now: Instant) {
        self.recovery.store(now.nanoseconds, ordering: .relaxed)
    }

    /// Says how much of the tightest rate limit is left, 0 to 1; told by whoever counts limits.
    public func setHeadroom(_ share: Double) {
        self.room.store(min(max(share, 0), 1).bitPattern, ordering: .relaxed)
    }

    private func update(_ change: (inout DeploymentStatisticsState) -> Void) {
        self.state.withLock { state in
            change(&state)
            self.peakCost.store(state.peak.cost.bitPattern, ordering: .relaxed)
            self.peakStamp.store(state.peak.stamp.nanoseconds, ordering: .relaxed)
            self.mean.store(state.latencies.mean?.wholeNanoseconds ?? -1, ordering: .relaxed)
            self.late.store(state.health.lateLatency.bitPattern, ordering: .relaxed)
            self.errors.store(state.health.errorRate.bitPattern, ordering: .relaxed)
            self.healthCurrent.store(state.health.current.bitPattern, ordering: .relaxed)
            self.healthStamp.store(state.health.lastEvidence.nanoseconds, ordering: .relaxed)
        }
    }

    // MARK: Read, without a lock

    /// Calls that run.
    public var inFlight: Int { max(0, self.running.load(ordering: .relaxed)) }

    /// The latency that load is weighed with; its cost is 0 while nothing is known.
    public var peak: PeakEWMA {
        PeakEWMA(
            cost: Double(bitPattern: self.peakCost.load(ordering: .relaxed)),
            stamp: Instant(nanoseconds: self.peakStamp.load(ordering: .relaxed)))
    }

    /// The mean of the last 100 latencies in nanoseconds; `nil` while there is none.
    public var meanLatency: Double? {
        let mean = self.mean.load(ordering: .relaxed)
        return mean < 0 ? nil : Double(mean)
    }

    /// The latency of late in nanoseconds, a moving average in which each reply weighs a fifth; `nil` while there is none.
    public var lateLatency: Double? {
        let late = Double(bitPattern: self.late.load(ordering: .relaxed))
        return late > 0 ? late : nil
    }

    /// The share of calls that failed of late, 0 to 1, as of ``lastEvidence``.
    public var errorRate: Double { Double(bitPattern: self.errors.load(ordering: .relaxed)) }

    /// The share of calls that failed of late, 0 to 1; it halves with every ``HealthState/halfLife`` in which no call
    /// counted.
    public func errorRate(now: Instant) -> Double {
        let rate = self.errorRate
        return rate == 0 ? 0 : rate * HealthState.recency(of: self.lastEvidence, now: now)
    }

    /// When a call last succeeded or failed; the clock's epoch if none did.
    public var lastEvidence: Instant { Instant(nanoseconds: self.healthStamp.load(ordering: .relaxed)) }

    /// How well it does, 0 to 1; see ``HealthState``.
    public func health(now: Instant) -> Double {
        HealthState.score(
            current: Double(bitPattern: self.healthCurrent.load(ordering: .relaxed)),
            lastEvidence: self.lastEvidence, now: now)
    }

    /// How much of the tightest rate limit is left, 0 to 1; 1 where no limit is known.
    public var headroom: Double { Double(bitPattern: self.room.load(ordering: .relaxed)) }

    /// When it last came back; `nil` if it never was out.
    public var recoveredAt: Instant? {
        let stamp = self.recovery.load(ordering: .relaxed)
        return stamp == .min ? nil : Instant(nanoseconds: stamp)
    }

    // MARK: Read, with one

    /// Everything that the calls have told. Takes a lock and copies: for health, metrics and what is worked out from
    /// time to time, not for every request.
    public func snapshot() -> DeploymentStatisticsState {
        self.state.withLock { $0 }
    }
}
