/// Durations in client headers.
enum ClientTimeout {
    /// Reads `30s`, `1500ms`, `2m`, `1h`, or a bare number of seconds; decimals with at most nine places.
    ///
    /// - Returns: `nil` for what is no positive duration.
    static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: ".") }
        // 12 places are 31,000 years in seconds, and far from overflowing below.
        guard !digits.isEmpty, digits.count <= 22 else { return nil }
        let nanoseconds: Int64
        switch String(Substring(text.utf8[digits.endIndex...])) {
        case "", "s": nanoseconds = 1_000_000_000
        case "ms": nanoseconds = 1_000_000
        case "m": nanoseconds = 60_000_000_000
        case "h": nanoseconds = 3_600_000_000_000
        default: return nil
        }
        let parts = Substring(digits).split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, parts[0].utf8.count <= 12, let whole = Int64(parts[0]) else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            guard (1...9).contains(parts[1].utf8.count), let places = Int64(parts[1]) else { return nil }
            var scale: Int64 = 1
            for _ in 0..<parts[1].utf8.count { scale *= 10 }
            // Places are less than the scale, so the quotient is less than the unit.
            fraction = scale.dividingFullWidth(places.multipliedFullWidth(by: nanoseconds)).quotient
        }
        let (product, overflow) = whole.multipliedReportingOverflow(by: nanoseconds)
        guard !overflow else { return .nanoseconds(Int64.max) }
        let (sum, overflowed) = product.addingReportingOverflow(fraction)
        let total = overflowed ? Int64.max : sum
        return total > 0 ? .nanoseconds(total) : nil
    }
}
