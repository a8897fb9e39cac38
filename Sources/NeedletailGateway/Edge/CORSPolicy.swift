import HTTPTypes
import NIOHTTP1

/// Which browsers' pages may read replies (Fetch Standard, section 3.2).
public struct CORSPolicy: Sendable, Hashable {
    /// The origins, as browsers write them (`https://app.example`), or `*` for all.
    public var allowedOrigins: Set<String>
    /// How long a browser may keep a preflight's answer. Default one hour.
    public var maximumAge: Int

    /// Creates a policy.
    public init(allowedOrigins: Set<String>, maximumAge: Int = 3600) {
        self.allowedOrigins = allowedOrigins
        self.maximumAge = maximumAge
    }

    /// Whether a page of `origin` may read replies.
    func allows(_ origin: String) -> Bool {
        self.allowedOrigins.contains("*") || self.allowedOrigins.contains(origin)
    }

    /// What every reply to an allowed page carries.
    func headers(for origin: String) -> HTTPFields {
        [
            .accessControlAllowOrigin: origin,
            .vary: "origin",
            .accessControlExposeHeaders: """
            x-request-id, request-id, retry-after, x-should-retry, x-needletail-provider, x-needletail-model, \
            x-needletail-attempts, x-needletail-lossy, x-needletail-lossy-content, x-needletail-overhead-ms, \
            x-upstream-request-id
            """,
        ]
    }

    /// The answer to a preflight; `nil` if `head` is none.
    func preflight(_ head: HTTPRequestHead, origin: String) -> EdgeResponse? {
        guard head.method == .OPTIONS, head.headers.contains(name: "access-control-request-method") else { return nil }
        guard self.allows(origin) else { return EdgeResponse(status: 403) }
        var headers: HTTPFields = [
            .accessControlAllowMethods: "GET, POST, OPTIONS",
            .accessControlMaxAge: String(self.maximumAge),
        ]
        // Authorization is never covered by `*`, so what the page asks for is named.
        headers[.accessControlAllowHeaders] = head.headers.first(name: "access-control-request-headers")
        return EdgeResponse(status: 204, headers: headers)
    }
}
