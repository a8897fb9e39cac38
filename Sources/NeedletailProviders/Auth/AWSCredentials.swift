public import NeedletailCore

/// What signs a request to Amazon.
public struct AWSCredentials: Sendable, Hashable {
    /// The public name of the key.
    public var accessKeyID: String
    /// The key.
    public var secretAccessKey: String
    /// What belongs to keys that are lent for a while.
    public var sessionToken: String?
    /// When they end; `nil` for keys that do not.
    public var expires: Instant?

    /// Creates credentials.
    public init(accessKeyID: String, secretAccessKey: String, sessionToken: String? = nil, expires: Instant? = nil) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
        self.expires = expires
    }
}

extension AWSCredentials: CustomStringConvertible {
    /// Never the key.
    public var description: String { "AWSCredentials(\(self.accessKeyID.prefix(4))…)" }
}

/// Where credentials come from: keys, a file, the role of a container or machine.
public protocol AWSCredentialSource: Sendable {
    /// Gets credentials, new ones if they are lent for a while.
    ///
    /// - Parameter deadline: When the request that waits for them is over.
    /// - Returns: `nil` if there are none here.
    /// - Throws: `.credentialRejected` where there should be some and they cannot be had; what the transport throws.
    func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials?

    /// Hears that the upstream did not accept credentials, so that they are not kept.
    func wasRefused(accessKeyID: String)
}

extension AWSCredentialSource {
    /// Does nothing: what is not kept is got anew each time.
    public func wasRefused(accessKeyID: String) {}
}

extension AWSCredentials: AWSCredentialSource {
    /// Themselves.
    public func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? { self }
}

/// Several sources, asked in order until one has credentials.
public struct AWSCredentialChain: AWSCredentialSource {
    private let sources: [any AWSCredentialSource]

    /// Creates a chain.
    public init(_ sources: [any AWSCredentialSource]) {
        self.sources = sources
    }

    /// See ``AWSCredentialSource/credentials(deadline:)``.
    public func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
        var failure: NeedletailError?
        for source in self.sources {
            do {
                if let found = try await source.credentials(deadline: deadline) { return found }
            } catch {
                if error.code == .cancelled { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return nil
    }
}
