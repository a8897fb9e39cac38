/// Where a value lies that is only known from samples: 95 of 100 such intervals hold it.
public struct ConfidenceInterval: Sendable, Hashable {
    /// The lower end.
    public var low: Double
    /// The upper end.
    public var high: Double

    /// Creates an interval.
    public init(low: Double, high: Double) {
        self.low = low
        self.high = high
    }

    /// Whether it holds zero: then a difference may be chance.
    public var holdsZero: Bool { self.low <= 0 && self.high >= 0 }

    /// A proportion: Wilson's score interval (JASA 22, 1927), which stays within 0 and 1 and holds for few samples and
    /// extreme proportions, where the textbook's does not (Brown, Cai, DasGupta, Statistical Science 16, 2001).
    ///
    /// - Returns: `nil` for no trial.
    public static func proportion(_ successes: Int, of trials: Int) -> Self? {
        guard trials > 0 else { return nil }
        let z = StudentT.normal
        let (n, p) = (Double(trials), Double(successes) / Double(trials))
        let shrink = 1 + z * z / n
        let middle = (p + z * z / (2 * n)) / shrink
        let reach = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / shrink
        return Self(low: max(0, middle - reach), high: min(1, middle + reach))
    }

    /// The difference of two proportions, first minus second: Newcombe's hybrid of two score intervals (Statistics in
    /// Medicine 17, 1998, method 10).
    ///
    /// - Returns: `nil` if either has no trial.
    public static func difference(
        ofProportions first: (successes: Int, trials: Int),
        _ second: (successes: Int, trials: Int)
    ) -> Self? {
        guard let one = Self.proportion(first.successes, of: first.trials),
            let two = Self.proportion(second.successes, of: second.trials)
        else { return nil }
        let (p, q) = (
            Double(first.successes) / Double(first.trials), Double(second.successes) / Double(second.trials)
        )
        func length(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }
        return Self(low: p - q - length(p - one.low, two.high - q), high: p - q + length(one.high - p, q - two.low))
    }

    /// A mean, by Student's distribution.
    ///
    /// - Returns: `nil` for fewer than two samples.
    public static func mean(of series: RunningMoments) -> Self? {
        guard let variance = series.variance else { return nil }
        let reach =
            StudentT.quantile(degrees: Double(series.count - 1)) * (variance / Double(series.count)).squareRoot()
        return Self(low: series.mean - reach, high: series.mean + reach)
    }

    /// The difference of two means, first minus second, whose variances need not be equal: Welch's (Biometrika 34, 1947)
    /// with Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946).
    ///
    /// - Returns: `nil` if either has fewer than two samples.
    public static func difference(ofMeans first: RunningMoments, _ second: RunningMoments) -> Self? {
        guard let one = first.variance, let two = second.variance else { return nil }
        let (a, b) = (one / Double(first.count), two / Double(second.count))
        let difference = first.mean - second.mean
        guard a + b > 0 else { return Self(low: difference, high: difference) }
        let degrees = (a + b) * (a + b) / (a * a / Double(first.count - 1) + b * b / Double(second.count - 1))
        let reach = StudentT.quantile(degrees: degrees) * (a + b).squareRoot()
        return Self(low: difference - reach, high: difference + reach)
    }
}
