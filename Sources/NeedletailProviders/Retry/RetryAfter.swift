import HTTPTypes
import NeedletailCore

/// The headers in which servers say how long to wait.
enum RetryAfter {
    /// Longer waits are cut to a day: such a number says that waiting is no use, not how long it is.
    private static let maximumSeconds = 86_400.0
    private static let milliseconds = HTTPField.Name("retry-after-ms")

    /// What `retry-after-ms`, or else a number in `retry-after`, asks for.
    static func delay(_ headers: HTTPFields) -> Duration? {
        if let spelled = Self.milliseconds.flatMap({ headers[$0] }), let value = Double(spelled), value > 0 {
            return Self.duration(value / 1000)
        }
        guard let spelled = headers[.retryAfter], let value = Double(spelled), value >= 0 else { return nil }
        return Self.duration(value)
    }

    /// What a date in `retry-after` asks for at `now`, in seconds since 1970.
    static func delay(_ headers: HTTPFields, now: Int64) -> Duration? {
        guard let date = headers[.retryAfter].flatMap(HTTPDateParser.seconds) else { return nil }
        return Self.duration(max(0, Double(date) - Double(now)))
    }

    /// A wait in whole milliseconds, and at most a day.
    static func duration(_ seconds: Double) -> Duration? {
        guard seconds.isFinite else { return nil }
        return .milliseconds(Int64((min(max(seconds, -Self.maximumSeconds), Self.maximumSeconds) * 1000).rounded(.up)))
    }
}
