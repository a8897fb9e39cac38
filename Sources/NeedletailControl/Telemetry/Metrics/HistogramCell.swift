import NeedletailCore
import Synchronization

/// One histogram over whole numbers of a smallest unit (nanoseconds, tokens), so that sums are exact. Lock-free.
final class HistogramCell: Sendable {
    /// The most bounds that a histogram may have.
    static let maximumBounds = 23

    /// What was recorded, as it is shown.
    struct Snapshot: Sendable {
        /// Per bucket, not added up; the last is above every bound.
        var counts: [Int]
        /// All that was recorded, added up.
        var sum: Int
        /// How often.
        var count: Int { self.counts.reduce(0, +) }
    }

    /// The upper bounds of the buckets, which belong to them, ascending.
    let bounds: [Int]
    private let buckets: InlineArray<24, Atomic<Int>>
    private let total = Atomic<Int>(0)

    /// Creates an empty histogram; bounds beyond ``maximumBounds`` are left out.
    init(bounds: [Int]) {
        self.bounds = Array(bounds.prefix(Self.maximumBounds))
        self.buckets = InlineArray { _ in Atomic<Int>(0) }
    }

    /// Takes a number in; what is less than nothing counts as nothing.
    func record(_ value: Int) {
        let value = max(0, value)
        var low = 0
        var high = self.bounds.count
        while low < high {
            let middle = (low + high) / 2
            if self.bounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        self.buckets[low].wrappingAdd(1, ordering: .relaxed)
        self.total.wrappingAdd(value, ordering: .relaxed)
    }

    /// Takes a duration in, in nanoseconds.
    func record(_ duration: Duration) {
        self.record(Int(duration.wholeNanoseconds))
    }

    /// What was recorded so far.
    var snapshot: Snapshot {
        Snapshot(
            counts: (0...self.bounds.count).map { self.buckets[$0].load(ordering: .relaxed) },
            sum: self.total.load(ordering: .relaxed))
    }
}
