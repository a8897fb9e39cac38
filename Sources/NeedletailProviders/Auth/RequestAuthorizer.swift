public import NeedletailCore

/// Proves who we are where a fixed header is not enough: signs a request, or adds a token that is fetched first.
public protocol RequestAuthorizer: Sendable {
    /// Adds what proves who we are; called with the request as it will be sent, once for each.
    ///
    /// - Throws: `.credentialRejected` if there is nothing to prove it with; what a token server's failure means.
    func authorize(_ request: inout TransportRequest) async throws(NeedletailError)

    /// Hears that the upstream did not accept what was added to `request`, so that the next one gets something else.
    func wasRefused(_ request: TransportRequest)
}
