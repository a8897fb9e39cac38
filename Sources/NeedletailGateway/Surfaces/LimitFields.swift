import HTTPTypes
import NeedletailCore

/// The headers that tell a client what is left of its limits, in the words of its dialect.
///
/// OpenAI's: <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>, which every dialect gets that
/// has none of its own. Anthropic's: <https://docs.anthropic.com/en/api/rate-limits#response-headers>.
enum LimitFields {
    private struct Names {
        var limit: HTTPField.Name
        var remaining: HTTPField.Name
        var reset: HTTPField.Name
    }

    private static let openAIRequests = Names(
        limit: .named("x-ratelimit-limit-requests"), remaining: .named("x-ratelimit-remaining-requests"),
        reset: .named("x-ratelimit-reset-requests"))
    private static let openAITokens = Names(
        limit: .named("x-ratelimit-limit-tokens"), remaining: .named("x-ratelimit-remaining-tokens"),
        reset: .named("x-ratelimit-reset-tokens"))
    private static let anthropicRequests = Names(
        limit: .named("anthropic-ratelimit-requests-limit"),
        remaining: .named("anthropic-ratelimit-requests-remaining"),
        reset: .named("anthropic-ratelimit-requests-reset"))
    private static let anthropicTokens = Names(
        limit: .named("anthropic-ratelimit-tokens-limit"), remaining: .named("anthropic-ratelimit-tokens-remaining"),
        reset: .named("anthropic-ratelimit-tokens-reset"))

    /// Whether a header tells of a limit.
    static func isOne(_ name: HTTPField.Name) -> Bool {
        let name = name.canonicalName
        return name.hasPrefix("x-ratelimit-") || name.hasPrefix("anthropic-ratelimit-")
    }

    /// Adds the headers.
    ///
    /// - Parameter now: Seconds since 1970, UTC.
    static func append(_ report: LimitReport, _ dialect: DialectID, now: Int64, to headers: inout HTTPFields) {
        let isAnthropic = dialect == .anthropicMessages
        func add(_ level: LimitReport.Level?, _ names: Names) {
            guard let level else { return }
            headers.append(HTTPField(name: names.limit, value: String(level.limit)))
            headers.append(HTTPField(name: names.remaining, value: String(level.remaining)))
            let reset = isAnthropic ? Self.date(now + Self.seconds(level.reset)) : Self.text(level.reset)
            headers.append(HTTPField(name: names.reset, value: reset))
        }
        add(report.requests, isAnthropic ? Self.anthropicRequests : Self.openAIRequests)
        add(report.tokens, isAnthropic ? Self.anthropicTokens : Self.openAITokens)
    }

    /// Whole seconds, rounded up.
    private static func seconds(_ duration: Duration) -> Int64 {
        let nanoseconds = max(0, duration.wholeNanoseconds)
        return nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0)
    }

    /// `6m0s`, `1.25s`, `120ms`, as OpenAI writes durations; rounded up to milliseconds.
    static func text(_ duration: Duration) -> String {
        let nanoseconds = max(0, duration.wholeNanoseconds)
        let milliseconds = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
        guard milliseconds >= 1_000 else { return "\(milliseconds)ms" }
        let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000)
        var fraction = String(rest % 1_000 + 1_000).dropFirst()
        while fraction.last == "0" { fraction.removeLast() }
        return (minutes > 0 ? "\(minutes)m" : "") + "\(rest / 1_000)" + (fraction.isEmpty ? "" : ".\(fraction)") + "s"
    }

    /// A date of RFC 3339.
    static func date(_ seconds: Int64) -> String {
        // Howard Hinnant's `civil_from_days`: <https://howardhinnant.github.io/date_algorithms.html>.
        let days = seconds / 86_400 + 719_468
        let (era, dayOfEra) = (days / 146_097, days % 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let time = seconds % 86_400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : String(number) }
        return "\(year)-\(two(month))-\(two(day))T\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
    }
}
