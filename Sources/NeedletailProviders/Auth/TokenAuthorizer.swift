import HTTPTypes
public import NeedletailCore

/// Adds `Authorization: Bearer` with a token that is fetched first, kept, and replaced before it ends; see
/// ``ExpiringCache``.
public final class TokenAuthorizer: RequestAuthorizer {
    private let cache: ExpiringCache<String>

    /// Creates an authorizer that has no token yet.
    public init(_ source: any AccessTokenSource, time: TimeSource) {
        self.cache = ExpiringCache(time: time) { deadline throws(NeedletailError) in
            let token = try await source.token(deadline: deadline)
            return (token.value, token.expires)
        }
    }

    /// See ``RequestAuthorizer/authorize(_:)``.
    public func authorize(_ request: inout TransportRequest) async throws(NeedletailError) {
        request.headers[.authorization] = "Bearer " + (try await self.cache.value(deadline: request.deadline))
    }

    /// See ``RequestAuthorizer/wasRefused(_:)``.
    public func wasRefused(_ request: TransportRequest) {
        guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else { return }
        let token = header.dropFirst("Bearer ".count)
        self.cache.drop { $0 == token }
    }
}
