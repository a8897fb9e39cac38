import HTTPTypes
import NIOCore
import NIOHTTP1
import NeedletailCore
import NeedletailGateway
import Synchronization

/// Says who calls the admin listener.
final class AdminAccess: Sendable {
    /// What became of a look at a request's head.
    enum Verdict: Sendable {
        case known(AdminCaller)
        case refused(AdminError)
    }

    private struct Keys: Sendable {
        var table: AccessTable
        var roles: [String: AdminRole]
        /// What needs no key all the same.
        var open: Set<AdminConfiguration.OpenPath>
        /// Whose signed tokens are taken; `nil` for nobody's.
        var tokens: TokenVerifier?

        /// Whether nobody is asked who they are.
        var areOpen: Bool { self.table.isOpen && self.tokens == nil }
    }

    private let keys: Mutex<Keys>
    private let guesses = Mutex(GuessGuardState())
    private let hosts: AllowedHosts
    private let first: FirstAdminKey?
    private let time: TimeSource

    /// - Parameter first: Who may come in where no key is configured; `nil` for everybody on this machine, which only a
    ///   listener on loopback may have.
    init(
        _ configuration: AdminConfiguration, host: String, tokens: TokenVerifier? = nil, first: FirstAdminKey? = nil,
        time: TimeSource
    ) {
        self.keys = Mutex(Self.keys(configuration, tokens, first))
        self.first = first
        self.hosts = AllowedHosts(loopbackAnd: host)
        self.time = time
    }

    /// Takes other keys, at a reload.
    func replace(_ configuration: AdminConfiguration, tokens: TokenVerifier? = nil) {
        let keys = Self.keys(configuration, tokens, self.first)
        self.keys.withLock { $0 = keys }
    }

    private static func keys(
        _ configuration: AdminConfiguration, _ tokens: TokenVerifier?, _ first: FirstAdminKey?
    ) -> Keys {
        let tokens = tokens.flatMap { $0.hasAdministrators ? $0 : nil }
        guard !configuration.keys.isEmpty || tokens != nil else {
            guard let first else { return Keys(table: AccessTable(), roles: [:], open: []) }
            return Keys(
                table: AccessTable([], stored: first), roles: [FirstAdminKey.name: .admin], open: configuration.open)
        }
        return Keys(
            table: AccessTable(configuration.keys.map { AccessKey(name: $0.name, secret: $0.secret.exposed) }),
            roles: Dictionary(configuration.keys.map { ($0.name, $0.role) }) { first, _ in first },
            open: configuration.open, tokens: tokens)
    }

    /// Who holds a token, if that is what a request brings; throws for one that opens nothing here.
    private static func administrator(
        _ head: HTTPRequestHead, _ keys: Keys
    ) throws(TokenClaims.Problem) -> AdminCaller? {
        guard let tokens = keys.tokens, let text = Credential.find(in: head), JSONWebToken.isToken(text) else {
            return nil
        }
        guard let administrator = try tokens.holder(of: text).administrator else { throw .audience }
        return administrator
    }

    /// Looks at a request. The same words for no key and a wrong one: neither is a hint.
    func check(_ head: HTTPRequestHead, from peer: SocketAddress?) -> Verdict {
        let keys = self.keys.withLock { $0 }
        if keys.areOpen {
            guard self.hosts.allow(head) else {
                let message = "The admin listener is not asked by this host or origin."
                return .refused(AdminError(403, "permission_error", message))
            }
            return .known(.local)
        }
        if let path = AdminConfiguration.OpenPath(head.path), keys.open.contains(path) {
            // Whoever asks may only see what needs no key.
            return .known(AdminCaller(name: "anonymous", role: .developer))
        }
        let client = Self.client(peer)
        let now = self.time.now()
        if let wait = self.guesses.withLock({ $0.wait(of: client, now: now) }) { return .refused(Self.locked(wait)) }
        do throws(TokenClaims.Problem) {
            if let administrator = try Self.administrator(head, keys) {
                self.guesses.withLock { $0.succeed(client) }
                return .known(administrator)
            }
        } catch {
            // One that was right once, or is right elsewhere, is no guess; nor is one by a key not fetched yet.
            let isGuess = error == .signature || error == .malformed || error == .issuer
            if isGuess, self.guesses.withLock({ $0.fail(client, now: now) }) {
                return .refused(Self.locked(GuessGuardState.lockTime))
            }
            return .refused(Self.unauthenticated)
        }
        switch keys.table.check(head) {
        case .known(let key):
            guard let role = keys.roles[key.name] else { break }
            self.guesses.withLock { $0.succeed(client) }
            return .known(AdminCaller(name: key.name, role: role))
        case .unknown:
            if self.guesses.withLock({ $0.fail(client, now: now) }) {
                return .refused(Self.locked(GuessGuardState.lockTime))
            }
        case .open, .missing: break
        }
        return .refused(Self.unauthenticated)
    }

    private static var unauthenticated: AdminError {
        var error = AdminError(401, "authentication_error", "This needs a valid admin key: `Authorization: Bearer …`.")
        error.headers[.wwwAuthenticate] = "Bearer"
        return error
    }

    private static func locked(_ wait: Duration) -> AdminError {
        var error = AdminError(429, "rate_limit_error", "Too many wrong keys came from here; try again later.")
        error.headers[.retryAfter] = String(wait.components.seconds + 1)
        return error
    }

    /// Who counts as one client, see ``GuessGuardState``.
    static func client(_ peer: SocketAddress?) -> String {
        guard let text = peer?.ipAddress else { return "" }
        return IPAddress(text)?.clientNetwork ?? text
    }
}
