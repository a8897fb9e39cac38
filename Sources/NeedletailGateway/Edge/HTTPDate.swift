/// Writes times as HTTP does: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, section 5.6.7).
package enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]  // 1970-01-01 was a Thursday
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The text for `seconds` since 1970; times before that read as 1970.
    static func text(_ seconds: Int64) -> String {
        let civil = CivilTime(seconds)
        return "\(Self.days[civil.dayNumber % 7]), \(Self.two(civil.day)) \(Self.months[civil.month - 1]) "
            + "\(civil.year) \(Self.clock(civil)) GMT"
    }

    /// The text as APIs write it: `1994-11-06T08:49:37Z` (RFC 3339).
    package static func internetText(_ seconds: Int64) -> String {
        let civil = CivilTime(seconds)
        return "\(civil.year)-\(Self.two(civil.month))-\(Self.two(civil.day))T\(Self.clock(civil))Z"
    }

    private static func clock(_ civil: CivilTime) -> String {
        "\(Self.two(civil.second / 3600)):\(Self.two(civil.second / 60 % 60)):\(Self.two(civil.second % 60))"
    }

    private static func two(_ number: Int) -> String {
        number < 10 ? "0\(number)" : String(number)
    }
}

/// A date of the Gregorian calendar, UTC.
private struct CivilTime {
    /// Days since 1970-01-01.
    let dayNumber: Int
    /// The second of the day.
    let second: Int
    let year: Int
    let month: Int
    let day: Int

    /// Howard Hinnant, "chrono-compatible low-level date algorithms", `civil_from_days`, for days after 1970.
    init(_ seconds: Int64) {
        // Year 9999 is the last that the formats have.
        let seconds = Int(min(max(seconds, 0), 253_402_300_799))
        self.dayNumber = seconds / 86_400
        self.second = seconds % 86_400
        let shifted = self.dayNumber + 719_468
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        self.day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        self.month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        self.year = yearOfEra + shifted / 146_097 * 400 + (self.month <= 2 ? 1 : 0)
    }
}
