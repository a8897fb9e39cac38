public import NeedletailCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A latency that jumps up at once and comes down slowly: Finagle's peak-sensitive moving average.
///
/// A slower reply than the average replaces it; a faster one moves it by `1 - exp(-age / decay)`, where the age is the
/// time since the last reply. While nothing is heard the value falls towards zero, so that a target that was slow is
/// tried again. See
/// <https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/PeakEwma.scala>.
public struct PeakEWMA: Sendable, Hashable {
    /// The time in which the average forgets two thirds. 10 s, as in Finagle.
    public static let decay = Duration.seconds(10)
    /// What an endpoint is taken to need while nobody knows, once it is used: 1 s, tower's default.
    public static let penalty = Duration.seconds(1)
    private static let decayNanoseconds = Double(Self.decay.wholeNanoseconds)

    /// Nanoseconds, as of ``stamp``; 0 while nothing is known.
    public private(set) var cost: Double
    /// When the last reply was heard of.
    public private(set) var stamp: Instant

    /// Creates an average of nothing.
    public init(cost: Double = 0, stamp: Instant = Instant(nanoseconds: 0)) {
        self.cost = cost
        self.stamp = stamp
    }

    /// Takes in a reply.
    public mutating func observe(_ latency: Duration, now: Instant) {
        let sample = Double(max(0, latency.wholeNanoseconds))
        let weight = self.weight(now)
        self.cost = sample > self.cost ? sample : self.cost * weight + sample * (1 - weight)
        self.stamp = max(now, self.stamp)
    }

    /// Nanoseconds, as of `now`.
    public func value(now: Instant) -> Double {
        self.cost * self.weight(now)
    }

    private func weight(_ now: Instant) -> Double {
        let age = now.nanoseconds.subtractingReportingOverflow(self.stamp.nanoseconds)
        return age.overflow ? 0 : exp(-Double(max(0, age.partialValue)) / Self.decayNanoseconds)
    }
}
