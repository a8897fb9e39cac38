/// Hours of a week, in UTC.
public struct PriceWindow: Sendable, Hashable {
    /// The days as bits, Monday the lowest.
    public var days: UInt8
    /// Minutes of such a day, from 0 up to 1440.
    public var minutes: [Range<Int>]

    /// Creates a window.
    public init(days: UInt8, minutes: [Range<Int>]) {
        self.days = days
        self.minutes = minutes
    }

    /// Whether a moment, in seconds since 1970 UTC, lies within.
    public func contains(wallSeconds: Int64) -> Bool {
        let (day, second) = (wallSeconds / 86_400, wallSeconds % 86_400)
        guard wallSeconds >= 0 else { return false }
        // 1970-01-01 was a Thursday.
        let weekday = UInt8((day + 3) % 7)
        return self.days & (1 << weekday) != 0 && self.minutes.contains { $0.contains(Int(second / 60)) }
    }
}
