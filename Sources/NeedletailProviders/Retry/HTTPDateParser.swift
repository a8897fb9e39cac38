/// Reads times as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT` (IMF-fixdate of RFC 9110, section 5.6.7).
enum HTTPDateParser {
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    private static let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

    /// The seconds since 1970; `nil` for what is no such date. The obsolete forms are none.
    ///
    /// The day of the week is not held against the date: it adds nothing.
    static func seconds(_ text: String) -> Int64? {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[5] == "GMT", parts[0].last == ",",
            Self.days.contains(String(parts[0].dropLast())),
            let day = Self.number(parts[1], digits: 2),
            let index = Self.months.firstIndex(of: String(parts[2])),
            let year = Self.number(parts[3], digits: 4)
        else { return nil }
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        guard day >= 1, day <= Self.lengths[index] + (index == 1 && isLeap ? 1 : 0) else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3,
            let hour = Self.number(clock[0], digits: 2), hour < 24,
            let minute = Self.number(clock[1], digits: 2), minute < 60,
            // 60 is a leap second.
            let second = Self.number(clock[2], digits: 2), second <= 60
        else { return nil }
        return Int64(Self.dayNumber(year, index + 1, day) * 86_400 + hour * 3600 + minute * 60 + second)
    }

    /// Days since 1970-01-01: Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
    static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        // Four hundred years are a whole number of days; adding them keeps everything positive.
        let year = year + 400 - (month <= 2 ? 1 : 0)
        let yearOfEra = year % 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return (year / 400 - 1) * 146_097 + dayOfEra - 719_468
    }

    private static func number(_ text: Substring, digits: Int) -> Int? {
        guard text.utf8.count == digits, text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return Int(text)
    }
}
