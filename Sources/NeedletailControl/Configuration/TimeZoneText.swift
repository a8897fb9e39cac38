import Foundation

/// Reads time zones: `UTC`, `UTC+02:00`, or a name of the IANA's such as `Europe/Berlin`.
enum TimeZoneText {
    /// How far the zone's clock is ahead of UTC at a moment, both in seconds; `nil` for no zone.
    static func parse(_ text: String) -> (@Sendable (Int64) -> Int64)? {
        if text == "UTC" { return { _ in 0 } }
        if text.hasPrefix("UTC") {
            guard let offset = Self.fixed(text.dropFirst(3)) else { return nil }
            return { _ in offset }
        }
        guard text.contains("/"), let zone = TimeZone(identifier: text) else { return nil }
        return { Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0)))) }
    }

    private static func fixed(_ text: Substring) -> Int64? {
        guard let sign = text.first, sign == "+" || sign == "-" else { return nil }
        let parts = text.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ $0.utf8.count == 2 }),
            let hours = Int64(parts[0]), let minutes = Int64(parts.count == 2 ? parts[1] : "00"),
            (0...14).contains(hours), (0...59).contains(minutes)
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (sign == "-" ? -1 : 1)
    }
}
