import HTTPTypes
import NeedletailCore

/// How long a provider asks us to wait.
enum OpenAIChatRetry {
    static func header(_ headers: HTTPFields, _ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        return headers[name]
    }

    /// `retry-after-ms` and `retry-after` first, then the resets of the limits that are used up, then the prose.
    static func delay(headers: HTTPFields, message: String?) -> Duration? {
        RetryAfter.delay(headers) ?? RateLimitHeaders.delay(headers) ?? RetryProse.delay(message)
    }

    /// From prose such as `Please try again in 11.054s.`
    static func delay(message: String?) -> Duration? {
        RetryProse.delay(message)
    }

    /// `11.284s`, `120ms`, `11m31.2s`, `1h2m`, `500`.
    static func seconds(_ spelled: String) -> Double? {
        RetryProse.seconds(spelled)
    }
}
