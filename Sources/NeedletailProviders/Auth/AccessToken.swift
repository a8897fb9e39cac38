public import NeedletailCore

/// A token that a server gave out for a while.
public struct AccessToken: Sendable, Hashable {
    /// What goes behind `Bearer`.
    public var value: String
    /// When it ends; `nil` for one that does not.
    public var expires: Instant?

    /// Creates a token.
    public init(_ value: String, expires: Instant?) {
        self.value = value
        self.expires = expires
    }
}

/// Where access tokens come from.
public protocol AccessTokenSource: Sendable {
    /// Gets a new token.
    ///
    /// - Parameter deadline: When the request that waits for it is over.
    /// - Throws: `.credentialRejected` where the server does not accept what it was shown; what the transport throws.
    func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken
}

/// A token that somebody else fetched.
public struct StaticTokenSource: AccessTokenSource {
    private let value: String

    /// Creates a source.
    public init(_ value: String) {
        self.value = value
    }

    /// See ``AccessTokenSource/token(deadline:)``.
    public func token(deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        AccessToken(self.value, expires: nil)
    }
}
