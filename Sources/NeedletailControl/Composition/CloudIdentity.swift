import CryptoExtras
import Foundation
import Logging
import NIOCore
import NeedletailCore
import NeedletailProviders
import NeedletailTransport

/// Makes what fetches tokens or signs requests for providers that have no key of their own.
struct CloudIdentity {
    let group: any EventLoopGroup
    let environment: [String: String]
    let time: TimeSource
    let logger: Logger
    var files = ConfigurationFiles.live

    /// What a provider's settings amount to, and the connections that it opens.
    struct Resolved {
        var authorizer: (any RequestAuthorizer)?
        var pools: [UpstreamPool] = []
        /// Settings that the credentials themselves hold.
        var settings: [String: String] = [:]
    }

    /// The identity for a provider; nothing for one that has a key or needs none.
    func resolve(_ spec: ProviderSpec, _ configuration: ProviderConfiguration) throws(NeedletailError) -> Resolved {
        let settings = spec.settings(configuration.settings.mapValues(\.exposed))
        switch spec.identity {
        case .microsoftEntra(let scope) where configuration.apiKeys.isEmpty:
            return try self.entra(settings, scope: scope)
        case .googleCloud: return try self.google(settings, hasKey: !configuration.apiKeys.isEmpty)
        case .amazon(let service):
            return try self.amazon(
                spec, settings, service: service, url: configuration.baseURL, hasKey: !configuration.apiKeys.isEmpty)
        case .microsoftEntra, nil: return Resolved()
        }
    }

    private func entra(_ settings: [String: String], scope: String) throws(NeedletailError) -> Resolved {
        if let token = settings["access_token"] {
            return Resolved(authorizer: TokenAuthorizer(StaticTokenSource(token), time: self.time))
        }
        guard let tenant = settings["tenant_id"], let id = settings["client_id"],
            let secret = settings["client_secret"],
            let authority = settings["authority"]
        else { return Resolved() }
        let base = authority.hasSuffix("/") ? String(authority.dropLast()) : authority
        let (server, pool) = try self.server(base + EntraTokenSource.path(tenant: tenant))
        let source = EntraTokenSource(server, clientID: id, clientSecret: secret, scope: scope)
        return Resolved(authorizer: TokenAuthorizer(source, time: self.time), pools: [pool])
    }

    private func google(_ settings: [String: String], hasKey: Bool) throws(NeedletailError) -> Resolved {
        var resolved = Resolved()
        let source: any AccessTokenSource
        if let path = settings["credentials"] {
            let credentials = try self.credentials(path)
            resolved.settings["project"] = settings["project"] ?? credentials.projectID
            guard !hasKey else { return resolved }
            let (server, pool) = try self.server(credentials.tokenURL)
            resolved.pools = [pool]
            switch credentials {
            case .serviceAccount(let account):
                source = GoogleServiceAccountSource(server, account: account, signer: try RSAKey(account.privateKey))
            case .authorizedUser(let id, let secret, let token):
                source = GoogleRefreshSource(server, clientID: id, clientSecret: secret, refreshToken: token)
            }
        } else {
            guard !hasKey else { return resolved }
            let host = self.environment["GCE_METADATA_HOST"].flatMap { $0.isEmpty ? nil : "http://" + $0 }
            let (server, pool) = try self.server(
                (host ?? GoogleMetadataSource.baseURL) + GoogleMetadataSource.path)
            resolved.pools = [pool]
            source = GoogleMetadataSource(server)
        }
        resolved.authorizer = TokenAuthorizer(source, time: self.time)
        return resolved
    }

    private func credentials(_ path: String) throws(NeedletailError) -> GoogleCredentials {
        let text: String
        do {
            text = try self.files.read(path, 1 << 20)
        } catch {
            throw NeedletailError(.credentialRejected, "The credentials file: \(error.problem).")
        }
        return try GoogleCredentials(file: text)
    }

    private func server(_ url: String) throws(NeedletailError) -> (TokenServer, UpstreamPool) {
        let origin = try Origin(url: url)
        var options = TransportOptions()
        options.maximumConnections = 2
        if !ListenAddress(host: origin.host, port: origin.port).isLoopback {
            options.proxy = try ProxySetting.fromEnvironment(self.environment, for: origin)
        }
        let pool = try UpstreamPool(
            origin: origin, options: options, group: self.group, time: self.time, logger: self.logger)
        let path = HTTPURL(url)?.path ?? "/"
        return (TokenServer(transport: pool, path: path, time: self.time), pool)
    }
}

/// An RSA key that signs assertions.
private struct RSAKey: RS256Signer {
    private let key: _RSA.Signing.PrivateKey

    init(_ pem: String) throws(NeedletailError) {
        do {
            self.key = try _RSA.Signing.PrivateKey(pemRepresentation: pem)
        } catch {
            throw NeedletailError(.credentialRejected, "The credentials file's private_key is no RSA key in PEM.")
        }
    }

    func signature(of text: String) throws(NeedletailError) -> [UInt8] {
        do {
            return Array(try self.key.signature(for: Data(text.utf8), padding: .insecurePKCS1v1_5).rawRepresentation)
        } catch {
            throw NeedletailError(.credentialRejected, "The gateway's key cannot sign.", cause: error)
        }
    }
}
