/// Count, mean and variance of numbers that are not kept.
///
/// By Welford's method (Technometrics 4, 1962), which loses no digits where the mean is large and the spread small.
public struct RunningMoments: Sendable, Hashable {
    /// How many.
    public private(set) var count = 0
    /// Their mean; 0 for none.
    public private(set) var mean = 0.0
    private var squares = 0.0

    /// Creates an empty series.
    public init() {}

    /// Adds a number; one that is not finite is left out.
    public mutating func add(_ value: Double) {
        guard value.isFinite else { return }
        self.count += 1
        let before = value - self.mean
        self.mean += before / Double(self.count)
        self.squares += before * (value - self.mean)
    }

    /// The variance of the population that they were drawn from; `nil` for fewer than two.
    public var variance: Double? {
        self.count < 2 ? nil : max(0, self.squares / Double(self.count - 1))
    }
}
