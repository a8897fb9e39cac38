import NeedletailCore

/// How often which duration came, in buckets of a sixteenth of a power of two of microseconds: percentiles are right to
/// 6 %, in bounded memory.
public struct LatencyHistogram: Sendable, Hashable {
    private static let perDoubling: UInt64 = 16
    private var counts: [UInt32] = []
    /// How many durations there are.
    public private(set) var count = 0

    /// Creates an empty one.
    public init() {}

    /// Adds a duration.
    public mutating func add(_ duration: Duration) {
        let index = Self.index(UInt64(max(0, duration.wholeNanoseconds / 1_000)))
        if index >= self.counts.count {
            self.counts += Array(repeating: 0, count: index + 1 - self.counts.count)
        }
        self.counts[index] += 1
        self.count += 1
    }

    /// The least duration that at least this share of all is not above: the upper end of its bucket.
    ///
    /// - Parameter share: From 0 to 1.
    /// - Returns: `nil` without any.
    public func percentile(_ share: Double) -> Duration? {
        guard self.count > 0 else { return nil }
        let rank = max(1, Int((share * Double(self.count)).rounded(.up)))
        var seen = 0
        for (index, count) in self.counts.enumerated() {
            seen += Int(count)
            if seen >= rank { return .microseconds(Self.upperEnd(index)) }
        }
        return nil
    }

    private static func index(_ value: UInt64) -> Int {
        guard value >= 2 * self.perDoubling else { return Int(value) }
        let shift = UInt64(64 - 5 - value.leadingZeroBitCount)
        return Int(self.perDoubling * shift + (value >> shift))
    }

    private static func upperEnd(_ index: Int) -> UInt64 {
        let index = UInt64(index)
        guard index >= 2 * self.perDoubling else { return index }
        let shift = index / self.perDoubling - 1
        return ((index % self.perDoubling + self.perDoubling + 1) << shift) - 1
    }
}
