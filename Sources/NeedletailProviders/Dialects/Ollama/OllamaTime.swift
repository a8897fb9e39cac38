import NeedletailCore

/// Times as Ollama writes them: `2025-07-07T20:32:53.844124Z` or with an offset (RFC 3339).
enum OllamaTime {
    /// Seconds since 1970; `nil` for what is no such time.
    static func seconds(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, let year = Self.number(bytes, 0, 4), let month = Self.number(bytes, 5, 2),
            let day = Self.number(bytes, 8, 2), let hour = Self.number(bytes, 11, 2),
            let minute = Self.number(bytes, 14, 2), let second = Self.number(bytes, 17, 2),
            (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var end = 19
        if bytes[end] == UInt8(ascii: ".") {
            end += 1
            while end < bytes.count, bytes[end] &- 0x30 < 10 { end += 1 }
        }
        guard end < bytes.count, let offset = Self.offset(bytes, end) else { return nil }
        return Self.days(year, month, day) * 86_400 + Int64(hour * 3600 + minute * 60 + second - offset)
    }

    /// The text for a time of `seconds` since 1970, as UTC.
    static func text(_ seconds: Int64) -> String {
        // The years that the format has.
        let seconds = min(max(seconds, 0), 253_402_300_799)
        let (year, month, day) = Self.civil(seconds / 86_400)
        let clock = Int(seconds % 86_400)
        let two = { (number: Int) in number < 10 ? "0\(number)" : String(number) }
        return "\(year)-\(two(month))-\(two(day))T\(two(clock / 3600)):\(two(clock / 60 % 60)):\(two(clock % 60))Z"
    }

    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int? {
        var number = 0
        for index in start..<(start + count) {
            guard index < bytes.count, bytes[index] &- 0x30 < 10 else { return nil }
            number = number * 10 + Int(bytes[index] &- 0x30)
        }
        return number
    }

    /// The zone's seconds east of UTC.
    private static func offset(_ bytes: [UInt8], _ start: Int) -> Int? {
        switch bytes[start] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"): return 0
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard let hours = Self.number(bytes, start + 1, 2), let minutes = Self.number(bytes, start + 4, 2) else {
                return nil
            }
            let seconds = hours * 3600 + minutes * 60
            return bytes[start] == UInt8(ascii: "-") ? -seconds : seconds
        default: return nil
        }
    }

    /// Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468)
    }

    /// `civil_from_days` of the same, for days after 1970.
    private static func civil(_ days: Int64) -> (year: Int, month: Int, day: Int) {
        let shifted = Int(days) + 719_468
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + shifted / 146_097 * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
