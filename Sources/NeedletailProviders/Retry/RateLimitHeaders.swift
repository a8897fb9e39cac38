import HTTPTypes
import NeedletailCore

/// The headers in which servers tell their limits, read for the one thing that a refused request needs: when the limit
/// that is used up is there again.
///
/// | who | header | value |
/// |---|---|---|
/// | OpenAI, Groq | `x-ratelimit-reset-requests`, `-tokens` | `11.284s`, `120ms`, `11m31.2s` |
/// | Azure | the same | whole seconds |
/// | Cerebras | `x-ratelimit-reset-requests-day`, `-tokens-minute` and the like | seconds with fractions |
/// | Anthropic | `anthropic-ratelimit-…-reset` | RFC 3339 |
/// | OpenRouter, Together | `x-ratelimit-reset` | milliseconds since 1970, or seconds to go |
/// | Replicate, Hugging Face, Mistral | `ratelimit-reset`, `ratelimitbysize-reset` | seconds to go |
/// | GitHub | `x-ratelimit-timeremaining` | seconds to go |
public enum RateLimitHeaders {
    /// From here on a number is a point in time: seconds since 1970 passed it in 2001.
    private static let leastEpoch = 1e9
    /// From here on it counts milliseconds.
    private static let leastEpochMilliseconds = 1e12

    /// How long until every limit that is used up is there again.
    ///
    /// - Parameter now: Seconds since 1970, without which points in time say nothing.
    static func delay(_ headers: HTTPFields, now: Int64? = nil) -> Duration? {
        var longest: Double?
        for field in headers {
            let name = field.name.canonicalName
            guard let remaining = Self.remainingName(for: name) else { continue }
            // A limit of which something is left did not refuse the request.
            if let name = HTTPField.Name(remaining), let left = headers[name].flatMap(Double.init), left > 0 {
                continue
            }
            guard let seconds = Self.seconds(field.value, now: now) else { continue }
            longest = max(longest ?? 0, seconds)
        }
        return longest.flatMap(RetryAfter.duration)
    }

    /// Whether a header's name holds `ratelimit`. Asked of every header of every reply, so by bytes: Swift's own search takes
    /// some 5,000 instructions a name.
    static func isOfLimits(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { name in
            self.word.withUTF8Buffer { word in
                var start = 0
                while start + word.count <= name.count {
                    var length = 0
                    while length < word.count, unsafe name[start + length] == word[length] { length += 1 }
                    if length == word.count { return true }
                    start += 1
                }
                return false
            }
        }
    }

    private static let word: StaticString = "ratelimit"

    /// The header that says how much is left of the limit whose reset `name` tells; `nil` for any other header.
    private static func remainingName(for name: String) -> String? {
        if name == "x-ratelimit-timeremaining" { return "x-ratelimit-remaining" }
        guard Self.isOfLimits(name), let reset = name.firstRange(of: "-reset") else { return nil }
        let rest = name[reset.upperBound...]
        guard rest.isEmpty || rest.first == "-" else { return nil }
        return name[..<reset.lowerBound] + "-remaining" + rest
    }

    private static func seconds(_ spelled: String, now: Int64?) -> Double? {
        if let date = RFC3339.seconds(spelled) { return now.map { max(0, date - Double($0)) } }
        guard let value = RetryProse.seconds(spelled) else { return nil }
        guard value >= Self.leastEpoch, Double(spelled) != nil else { return value }
        let date = value >= Self.leastEpochMilliseconds ? value / 1000 : value
        return now.map { max(0, date - Double($0)) }
    }
}
