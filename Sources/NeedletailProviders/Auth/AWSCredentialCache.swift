public import NeedletailCore

/// Credentials that are fetched once, kept, and replaced before they end; see ``ExpiringCache``.
public struct AWSCredentialCache: AWSCredentialSource {
    private let cache: ExpiringCache<AWSCredentials?>

    /// Creates a cache that has asked nobody yet.
    public init(_ source: any AWSCredentialSource, time: TimeSource) {
        self.cache = ExpiringCache(time: time) { deadline throws(NeedletailError) in
            guard let found = try await source.credentials(deadline: deadline) else {
                // A role may be given to a machine while it runs.
                return (nil, time.now().advanced(by: Self.absence))
            }
            return (found, found.expires)
        }
    }

    /// How long it is believed that there are none.
    private static let absence = Duration.seconds(60)

    /// See ``AWSCredentialSource/credentials(deadline:)``.
    public func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
        try await self.cache.value(deadline: deadline)
    }

    /// See ``AWSCredentialSource/wasRefused(accessKeyID:)``: a role may end before its time, and a file may have new keys.
    public func wasRefused(accessKeyID: String) {
        self.cache.drop { $0?.accessKeyID == accessKeyID }
    }
}
