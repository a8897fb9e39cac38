/// Reads durations as they are written in a configuration: a number and a unit, `250ms`, `1.5s`, `5m`, `1h`, `1d`.
public enum DurationText {
    /// Nothing here waits longer than this.
    static let longest = Duration.seconds(366 * 86_400)

    private static let units: [(suffix: String, nanoseconds: Double)] = [
        ("ms", 1e6), ("us", 1e3), ("s", 1e9), ("m", 60e9), ("h", 3_600e9), ("d", 86_400e9),
    ]

    /// The duration, or `nil` when `text` is none or longer than ``longest``.
    public static func parse(_ text: String) -> Duration? {
        guard let unit = Self.units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
        let number = text.dropLast(unit.suffix.count)
        guard DecimalText.isDecimal(number), let value = Double(number) else { return nil }
        let nanoseconds = value * unit.nanoseconds
        guard nanoseconds <= Double(Self.longest.components.seconds) * 1e9 else { return nil }
        return .nanoseconds(Int64(nanoseconds.rounded()))
    }
}

/// Plain decimal numbers: digits, and perhaps a point and more digits.
enum DecimalText {
    /// Whether `text` is a plain decimal number without a sign.
    static func isDecimal(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), text.utf8.count <= 18 else { return false }
        return parts.allSatisfy { part in !part.isEmpty && part.utf8.allSatisfy { (48...57).contains($0) } }
    }
}
