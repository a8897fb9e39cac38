public import NeedletailCore

/// Tokens of Microsoft Entra for an application with a secret:
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>.
public struct EntraTokenSource: AccessTokenSource {
    private let server: TokenServer
    private let clientID: String
    private let clientSecret: String
    private let scope: String

    /// Where the tokens of a tenant come from, below the authority's host.
    public static func path(tenant: String) -> String {
        "/\(PathTemplate.encoded(tenant))/oauth2/v2.0/token"
    }

    /// Creates a source; `server` is the authority's endpoint at ``path(tenant:)``.
    public init(_ server: TokenServer, clientID: String, clientSecret: String, scope: String) {
        self.server = server
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.scope = scope
    }

    /// See ``AccessTokenSource/token(deadline:)``.
    public func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        try await self.server.post(
            [
                ("grant_type", "client_credentials"), ("client_id", self.clientID),
                ("client_secret", self.clientSecret), ("scope", self.scope),
            ], deadline: deadline)
    }
}
