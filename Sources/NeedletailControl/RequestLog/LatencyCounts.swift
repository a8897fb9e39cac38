import NeedletailCore

/// Counts durations in steps of a quarter of a doubling, from 1 ms to 65 s, so that a percentile is right within a fifth.
struct LatencyCounts: Sendable, Equatable {
    /// Four steps for each of sixteen doublings.
    static let steps = 64

    private(set) var counts: [UInt32] = Array(repeating: 0, count: Self.steps)
    private(set) var total: UInt32 = 0

    /// Nothing.
    init() {}

    /// Counts that somebody else has made.
    ///
    /// - Parameter counts: ``steps`` of them.
    init(_ counts: [UInt32]) {
        self.counts = counts
        self.total = counts.reduce(0, &+)
    }

    /// What came after an earlier look.
    func since(_ earlier: Self) -> Self {
        Self(zip(self.counts, earlier.counts).map { $0 &- $1 })
    }

    /// The step of a duration; shorter ones are in the first, longer ones in the last.
    static func step(of duration: Duration) -> Int {
        let milliseconds = duration.wholeNanoseconds / 1_000_000
        guard milliseconds >= 1 else { return 0 }
        let octave = 63 - milliseconds.leadingZeroBitCount
        // The two bits below the highest one.
        let quarter = octave >= 2 ? Int(milliseconds >> (octave - 2)) & 3 : Int(milliseconds << (2 - octave)) & 3
        return min(Self.steps - 1, octave * 4 + quarter)
    }

    /// The longest duration of a step, in milliseconds.
    static func bound(of step: Int) -> Double {
        let (octave, quarter) = step.quotientAndRemainder(dividingBy: 4)
        return Double(1 << octave) * (1 + Double(quarter + 1) / 4)
    }

    mutating func add(_ duration: Duration) {
        self.counts[Self.step(of: duration)] &+= 1
        self.total &+= 1
    }

    mutating func add(_ other: Self) {
        for step in 0..<Self.steps { self.counts[step] &+= other.counts[step] }
        self.total &+= other.total
    }

    mutating func clear() {
        for step in 0..<Self.steps { self.counts[step] = 0 }
        self.total = 0
    }

    /// The duration in milliseconds that a share of all stays below; `nil` while there are none.
    ///
    /// - Parameter share: From 0 to 1.
    func percentile(_ share: Double) -> Double? {
        guard self.total > 0 else { return nil }
        let rank = UInt32((share * Double(self.total)).rounded(.up))
        var seen: UInt32 = 0
        for step in 0..<Self.steps {
            seen += self.counts[step]
            if seen >= max(1, rank) { return Self.bound(of: step) }
        }
        return Self.bound(of: Self.steps - 1)
    }
}
