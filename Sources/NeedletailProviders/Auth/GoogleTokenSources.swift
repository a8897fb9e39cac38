import HTTPTypes
import NIOCore
public import NeedletailCore

/// Signs text with RSA and SHA-256 (RFC 7518, section 3.3).
public protocol RS256Signer: Sendable {
    /// The signature of `text`.
    ///
    /// - Throws: `.credentialRejected` if the key is none.
    func signature(of text: String) throws(NeedletailError) -> [UInt8]
}

/// Tokens for a service account, against an assertion that its key signs:
/// <https://developers.google.com/identity/protocols/oauth2/service-account#authorizingrequests>.
public struct GoogleServiceAccountSource: AccessTokenSource {
    /// All of the cloud; what an account may do is decided by its roles.
    static let scope = "https://www.googleapis.com/auth/cloud-platform"
    /// How long an assertion holds, in seconds; the longest that is accepted.
    static let lifetime: Int64 = 3600

    private let server: TokenServer
    private let account: GoogleCredentials.ServiceAccount
    private let signer: any RS256Signer

    /// Creates a source; `server` is the endpoint at the account's token URL.
    public init(_ server: TokenServer, account: GoogleCredentials.ServiceAccount, signer: any RS256Signer) {
        self.server = server
        self.account = account
        self.signer = signer
    }

    /// See ``AccessTokenSource/token(deadline:)``.
    public func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        try await self.server.post(
            [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", try self.assertion())],
            deadline: deadline)
    }

    /// A JSON Web Token (RFC 7519) that says who asks.
    private func assertion() throws(NeedletailError) -> String {
        var header = JSONWriter()
        header.beginObject()
        header.member("alg", "RS256")
        header.member("typ", "JWT")
        header.member("kid", self.account.keyID)
        header.endObject()
        let now = self.server.wallSeconds()
        var claims = JSONWriter()
        claims.beginObject()
        claims.member("iss", self.account.email)
        claims.member("scope", Self.scope)
        claims.member("aud", self.account.tokenURL)
        claims.key("iat")
        claims.int(now)
        claims.key("exp")
        claims.int(now + Self.lifetime)
        claims.endObject()
        let signed =
            Base64.urlEncoded(header.bytes.readableBytesView) + "." + Base64.urlEncoded(claims.bytes.readableBytesView)
        return signed + "." + Base64.urlEncoded(try self.signer.signature(of: signed))
    }
}

/// Tokens against a person's stored consent (RFC 6749, section 6).
public struct GoogleRefreshSource: AccessTokenSource {
    private let server: TokenServer
    private let form: [(String, String)]

    /// Creates a source.
    public init(_ server: TokenServer, clientID: String, clientSecret: String, refreshToken: String) {
        self.server = server
        self.form = [
            ("grant_type", "refresh_token"), ("client_id", clientID), ("client_secret", clientSecret),
            ("refresh_token", refreshToken),
        ]
    }

    /// See ``AccessTokenSource/token(deadline:)``.
    public func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        try await self.server.post(self.form, deadline: deadline)
    }
}

/// Tokens of the machine's own account, from the metadata server that machines of the cloud have:
/// <https://cloud.google.com/compute/docs/access/authenticate-workloads#applications>.
public struct GoogleMetadataSource: AccessTokenSource {
    /// Where the server is.
    public static let baseURL = "http://metadata.google.internal"
    /// Where it has tokens.
    public static let path = "/computeMetadata/v1/instance/service-accounts/default/token"

    private let server: TokenServer

    /// Creates a source.
    public init(_ server: TokenServer) {
        self.server = server
    }

    /// See ``AccessTokenSource/token(deadline:)``.
    public func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        var headers: HTTPFields = [.userAgent: "needletail"]
        // Without it the server refuses: a browser cannot be made to send it.
        if let name = HTTPField.Name("metadata-flavor") { headers[name] = "Google" }
        return try await self.server.get(headers, deadline: deadline)
    }
}
