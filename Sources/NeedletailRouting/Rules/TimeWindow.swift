/// Hours of days of the week, in a time zone: when a rule holds.
public struct TimeWindow: Sendable, Hashable {
    /// Days of the week.
    public struct Days: OptionSet, Sendable, Hashable {
        /// One bit for each day, Monday's the lowest.
        public let rawValue: UInt8

        /// Creates a set from its bits.
        public init(rawValue: UInt8) {
            self.rawValue = rawValue
        }

        /// The day with a number: 0 for Monday, 6 for Sunday.
        public init(number: Int) {
            self.init(rawValue: 1 << UInt8(max(0, min(6, number))))
        }

        /// The words for the days, Monday's first.
        public static let words = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        /// Every day.
        public static let all = Self(rawValue: 0x7F)
    }

    /// Minutes of a day.
    public static let minutesOfDay = 24 * 60

    /// The days. A window over midnight belongs to the day on which it opens.
    public let days: Days
    /// When it opens, in minutes from midnight, 0 to 1439.
    public let opening: Int
    /// When it closes, in minutes from midnight, 1 to 1440, this minute not included. Before ``opening`` it is the next
    /// day's.
    public let closing: Int
    /// Where the clock hangs.
    public let zone: ZoneOffsets

    /// Creates a window.
    public init(
        days: Days = .all, opening: Int = 0, closing: Int = Self.minutesOfDay, zone: ZoneOffsets = .utc
    ) {
        self.days = days
        self.opening = max(0, min(Self.minutesOfDay - 1, opening))
        self.closing = max(1, min(Self.minutesOfDay, closing))
        self.zone = zone
    }

    /// Whether it is open.
    ///
    /// - Parameter wallSeconds: Seconds since 1970-01-01 UTC.
    public func contains(wallSeconds: Int64) -> Bool {
        let local = wallSeconds + Int64(self.zone.offset(at: wallSeconds))
        let (day, second) = Self.divide(local, by: 86_400)
        // 1970-01-01 was a Thursday.
        return self.isOpen(weekday: Int(Self.divide(day + 3, by: 7).remainder), minute: Int(second / 60))
    }

    /// Whether every minute of `other` is also this window's.
    func covers(_ other: Self) -> Bool {
        guard self != other else { return true }
        guard self.zone == other.zone else { return self.isAlways }
        for day in 0..<7 {
            for minute in 0..<Self.minutesOfDay
            where other.isOpen(weekday: day, minute: minute) && !self.isOpen(weekday: day, minute: minute) {
                return false
            }
        }
        return true
    }

    private var isAlways: Bool { self.days == .all && self.opening == 0 && self.closing == Self.minutesOfDay }

    private func isOpen(weekday: Int, minute: Int) -> Bool {
        let isToday = self.days.contains(Days(number: weekday))
        if self.opening < self.closing { return isToday && minute >= self.opening && minute < self.closing }
        if minute >= self.opening { return isToday }
        return minute < self.closing && self.days.contains(Days(number: (weekday + 6) % 7))
    }

    /// Rounds down, for times before 1970 too.
    private static func divide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
