import Glibc

/// How a duration varies from call to call.
public enum LatencyDistribution: Sendable, Hashable {
    /// Always the same.
    case constant(Duration)
    /// Anything between two, equally often.
    case uniform(Duration, Duration)
    /// Half are below the median, one of a hundred is above the 99th percentile: what times of services look like.
    case lognormal(median: Duration, p99: Duration)
    /// Pareto's law with a least value: the smaller `alpha`, the heavier the tail. What is above the greatest value is
    /// that value.
    case heavyTail(minimum: Duration, alpha: Double, maximum: Duration)

    /// The 99th percentile of the standard normal distribution.
    private static let z99 = 2.326_347_874_040_841

    /// One value.
    ///
    /// - Parameter unit: Gives random numbers from 0 up to and without 1.
    public func sample(_ unit: () -> Double) -> Duration {
        switch self {
        case .constant(let value):
            return value
        case .uniform(let low, let high):
            return low + (high - low) * unit()
        case .lognormal(let median, let p99):
            guard median > .zero, p99 > median else { return median }
            let sigma = log(p99 / median) / Self.z99
            // Box and Muller's transform; 1 - u is never zero.
            let normal = (-2 * log(1 - unit())).squareRoot() * cos(2 * Double.pi * unit())
            return median * exp(sigma * normal)
        case .heavyTail(let minimum, let alpha, let maximum):
            return min(maximum, minimum * pow(1 - unit(), -1 / max(0.01, alpha)))
        }
    }
}
