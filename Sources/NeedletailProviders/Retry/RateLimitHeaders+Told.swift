public import HTTPTypes
import NeedletailCore

extension RateLimitHeaders {
    /// What a provider says of the limits of our account.
    public struct Told: Sendable, Hashable {
        /// Requests a minute.
        public var requestsPerMinute: Int?
        /// Tokens a minute, input and output together.
        public var tokensPerMinute: Int?
        /// How long until a limit of which nothing is left is there again; `nil` where something is left of all.
        public var untilReset: Duration?
    }

    /// What a reply's headers tell; `nil` when they tell nothing.
    ///
    /// - Parameter wallSeconds: Seconds since 1970.
    public static func told(_ headers: HTTPFields, wallSeconds: Int64) -> Told? {
        var told = Told()
        var isUsedUp = false
        var isThere = false
        for field in headers {
            let name = field.name.canonicalName
            guard Self.isOfLimits(name) else { continue }
            switch name {
            case "x-ratelimit-limit-requests", "anthropic-ratelimit-requests-limit":
                told.requestsPerMinute = Int(field.value).flatMap { $0 > 0 ? $0 : nil }
                isThere = true
            case "x-ratelimit-limit-tokens", "anthropic-ratelimit-tokens-limit":
                told.tokensPerMinute = Int(field.value).flatMap { $0 > 0 ? $0 : nil }
                isThere = true
            default:
                guard Double(field.value) == 0, name.contains("-remaining") else { continue }
                isUsedUp = true
                isThere = true
            }
        }
        guard isThere else { return nil }
        if isUsedUp { told.untilReset = Self.delay(headers, now: wallSeconds) }
        return told
    }
}
