/// Times in log lines: [RFC 3339](https://www.rfc-editor.org/rfc/rfc3339) in UTC, to the millisecond.
enum LogTime {
    /// `2024-01-15T10:30:45.123Z`.
    static func text(_ wallNanoseconds: Int64) -> String {
        let (year, month, day) = Self.date(wallNanoseconds)
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))T\(Self.clock(wallNanoseconds))Z"
    }

    /// `10:30:45.123`.
    static func clock(_ wallNanoseconds: Int64) -> String {
        let milliseconds = Self.floored(wallNanoseconds, 1_000_000).quotient
        let ofDay = Int(Self.floored(milliseconds, 86_400_000).remainder)
        let (hours, minutes) = (ofDay / 3_600_000, ofDay / 60_000 % 60)
        let (seconds, rest) = (ofDay / 1_000 % 60, ofDay % 1_000)
        return
            "\(Self.padded(hours, 2)):\(Self.padded(minutes, 2)):\(Self.padded(seconds, 2)).\(Self.padded(rest, 3))"
    }

    /// The day in the proleptic Gregorian calendar, by Howard Hinnant's
    /// [civil_from_days](https://howardhinnant.github.io/date_algorithms.html).
    private static func date(_ wallNanoseconds: Int64) -> (year: Int, month: Int, day: Int) {
        let days = Int(Self.floored(wallNanoseconds, 86_400_000_000_000).quotient) + 719_468
        let era = (days >= 0 ? days : days - 146_096) / 146_097
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }

    private static func floored(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return text.utf8.count < width ? String(repeating: "0", count: width - text.utf8.count) + text : text
    }
}
