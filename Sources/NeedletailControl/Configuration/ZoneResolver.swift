import Foundation
import NeedletailRouting

/// Finds what a time zone's clocks show: `UTC`, `UTC+02:00`, `-05:30`, or a name of the IANA's database.
enum ZoneResolver {
    /// Offsets are looked up this far ahead: rules change oftener than a process lives.
    private static let horizon = Date(timeIntervalSince1970: 4_102_444_800)

    /// The names of this machine's database.
    static var names: [String] { TimeZone.knownTimeZoneIdentifiers }

    /// The zone of a name or offset; `nil` if there is none.
    static func zone(_ text: String) -> ZoneOffsets? {
        if text == "UTC" || text == "Z" || text == "GMT" { return .utc }
        if let seconds = Self.offset(text.hasPrefix("UTC") ? text.dropFirst(3) : text[...]) {
            return ZoneOffsets(name: text, first: seconds)
        }
        // Foundation also takes abbreviations, of which some mean several zones.
        guard text.contains("/"), let zone = TimeZone(identifier: text) else { return nil }
        var date = Date(timeIntervalSince1970: 1_704_067_200)
        let first = zone.secondsFromGMT(for: date)
        var transitions: [ZoneOffsets.Transition] = []
        while transitions.count < 400, let next = zone.nextDaylightSavingTimeTransition(after: date), next > date,
            next < Self.horizon
        {
            transitions.append(
                .init(begin: Int64(next.timeIntervalSince1970.rounded()), offset: zone.secondsFromGMT(for: next)))
            date = next
        }
        return ZoneOffsets(name: text, first: first, transitions: transitions)
    }

    private static func offset(_ text: Substring) -> Int? {
        guard let sign = text.first, sign == "+" || sign == "-", let minutes = ClockText.minutes(text.dropFirst()),
            minutes <= 18 * 60
        else { return nil }
        return (sign == "-" ? -60 : 60) * minutes
    }
}
