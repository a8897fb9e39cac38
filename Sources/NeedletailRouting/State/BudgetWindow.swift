/// The stretches of time that a budget counts in. Pure: all takes seconds since 1970 UTC.
public struct BudgetWindow: Sendable {
    /// How long a stretch is.
    public enum Period: String, Sendable, Hashable, CaseIterable {
        /// No stretch: the limit is one call's.
        case call
        case minute, hour, day, week, month
        /// One stretch without an end.
        case total

        /// The seconds of a rolling window; a month counts 30 days.
        var seconds: Int64 {
            switch self {
            case .minute: 60
            case .hour: 3_600
            case .day: 86_400
            case .week: 7 * 86_400
            case .month: 30 * 86_400
            case .call, .total: 0
            }
        }
    }

    /// Slots that a rolling window is cut into: what was spent counts until the whole slot has left the window.
    static let rollingSlots: Int64 = 60

    /// How long a stretch is.
    public let period: Period
    /// Whether the stretch ends now, instead of being one of the calendar's.
    public let isRolling: Bool
    /// How far the calendar's clock is ahead of UTC at a moment, in seconds.
    private let offset: @Sendable (Int64) -> Int64

    /// Creates a window.
    ///
    /// - Parameter offset: Of the calendar's time zone; default UTC.
    public init(
        _ period: Period, isRolling: Bool = false, offset: @escaping @Sendable (Int64) -> Int64 = { _ in 0 }
    ) {
        self.period = period
        self.isRolling = isRolling && period != .total && period != .call
        self.offset = offset
    }

    /// The beginning of the slot that a moment lies in; 0 for a window without an end.
    public func start(at now: Int64) -> Int64 {
        if self.period == .total || self.period == .call { return 0 }
        if self.isRolling {
            let length = self.period.seconds / Self.rollingSlots
            return now - Self.rest(now, length)
        }
        let shift = self.offset(now)
        let local = now + shift
        let begin: Int64
        switch self.period {
        case .minute: begin = local - Self.rest(local, 60)
        case .hour: begin = local - Self.rest(local, 3_600)
        case .day: begin = local - Self.rest(local, 86_400)
        case .week:
            // 1970-01-01 was a Thursday; weeks begin on Monday (ISO 8601).
            let day = local - Self.rest(local, 86_400)
            begin = day - Self.rest(day / 86_400 + 3, 7) * 86_400
        case .month, .call, .total:
            let day = (local - Self.rest(local, 86_400)) / 86_400
            begin = (day - Self.dayOfMonth(day)) * 86_400
        }
        // Where summer time began or ended since, midnight was told by the other offset.
        let guess = begin - shift
        let then = self.offset(guess)
        return then == shift ? guess : begin - then
    }

    /// Slots from this beginning on count against the limit at a moment.
    public func since(at now: Int64) -> Int64 {
        self.isRolling ? self.start(at: now) - self.period.seconds : self.start(at: now)
    }

    /// When a slot that began at `start` is followed by the next; `nil` for never.
    public func next(after start: Int64) -> Int64? {
        switch self.period {
        case .call, .total: nil
        case _ where self.isRolling: start + self.period.seconds / Self.rollingSlots
        case .minute, .hour: start + self.period.seconds
        // Days have 23 to 25 hours, months 28 to 31 days.
        case .day, .week: self.start(at: start + self.period.seconds + 7_200)
        case .month: self.start(at: start + 32 * 86_400)
        }
    }

    private static func rest(_ value: Int64, _ divisor: Int64) -> Int64 {
        let rest = value % divisor
        return rest < 0 ? rest + divisor : rest
    }

    /// How many days a day, counted from 1970-01-01, lies after the first of its month, by the Gregorian calendar
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
    private static func dayOfMonth(_ day: Int64) -> Int64 {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let month = (5 * dayOfYear + 2) / 153
        return dayOfYear - (153 * month + 2) / 5
    }
}
