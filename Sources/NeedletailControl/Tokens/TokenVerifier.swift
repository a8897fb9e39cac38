import Crypto
import NeedletailCore
import NeedletailGateway
import NeedletailRouting
import Synchronization

/// Takes signed tokens in the place of keys. What was found out about a token is kept for as long as it may hold, so that a
/// client's later requests cost a lookup.
final class TokenVerifier: Sendable {
    /// Who holds a token, and what it opens.
    struct Holder: Sendable {
        /// The client's key; `nil` where the token opens nothing on the API listener.
        var client: AccessKey?
        /// The administrator; `nil` where it opens nothing on the admin listener.
        var administrator: AdminCaller?
        /// When it ends, in seconds since 1970.
        var expires: Int64
    }

    private struct State {
        var holders: [[UInt8]: Holder] = [:]
        /// Counts how often keys came anew: what was found out with others is not kept.
        var generation = 0
    }

    /// The tokens that are remembered; beyond it all are forgotten, which costs each a signature check.
    static let capacity = 10_000

    let issuers: [TokenKeys]
    private let time: TimeSource
    private let state = Mutex(State())

    init(_ issuers: [TokenKeys], time: TimeSource) {
        self.issuers = issuers
        self.time = time
    }

    /// Whether tokens open anything on the API listener.
    var hasClients: Bool { self.issuers.contains { $0.issuer.clients != nil } }
    /// Whether tokens open anything on the admin listener.
    var hasAdministrators: Bool { self.issuers.contains { $0.issuer.administrators != nil } }

    /// Who holds a token. Does not block: a token whose key is not there yet is refused, and the key is fetched.
    func holder(of text: String) throws(TokenClaims.Problem) -> Holder {
        let now = self.time.wallSeconds()
        let name = Array(SHA256.hash(data: Array(text.utf8)))
        let (known, generation) = self.state.withLock { ($0.holders[name], $0.generation) }
        if let known {
            guard now < known.expires else { throw .expired }
            return known
        }
        let holder = try self.verify(text, now: now)
        self.state.withLock { state in
            guard state.generation == generation else { return }
            if state.holders.count >= Self.capacity { state.holders.removeAll(keepingCapacity: true) }
            state.holders[name] = holder
        }
        return holder
    }

    private func verify(_ text: String, now: Int64) throws(TokenClaims.Problem) -> Holder {
        guard let token = JSONWebToken(text) else { throw .malformed }
        let name = token.claims["iss"]?.string
        var problem = TokenClaims.Problem.issuer
        for keys in self.issuers where keys.issuer.issuer == name {
            switch keys.keys?.verifies(token) {
            case true?:
                do throws(TokenClaims.Problem) {
                    return try Self.holder(TokenClaims(token.claims, keys.issuer, now: now), keys.issuer)
                } catch {
                    problem = error
                }
            case false?: problem = .signature
            case nil:
                keys.want()
                problem = .unknownKey
            }
        }
        throw problem
    }

    private static func holder(
        _ claims: TokenClaims, _ issuer: TokenIssuerConfiguration
    ) throws(TokenClaims.Problem) -> Holder {
        var holder = Holder(expires: claims.expires)
        if let clients = issuer.clients {
            guard let name = claims.text(clients.name) else { throw .incomplete }
            var grant = clients.grant
            if let claim = clients.tenant {
                // A token without its tenant would be another tenant's, or nobody's.
                guard let tenant = claims.text(claim) else { throw .incomplete }
                grant.tenant = tenant
            }
            if let claim = clients.team { grant.team = claims.text(claim) ?? grant.team }
            if let claim = clients.tags { grant.tags += claims.texts(claim).prefix(32) }
            if let claim = clients.models { grant.models = Self.models(claims.texts(claim), within: grant.models) }
            holder.client = AccessKey(name: "\(issuer.name):\(name)", secret: "", grant: grant)
        }
        if let administrators = issuer.administrators {
            let roles = claims.texts(administrators.claim).compactMap { administrators.roles[$0] }
            if let role = AdminRole.allCases.first(where: roles.contains) {
                let name = claims.text("email") ?? claims.text("sub") ?? "unnamed"
                holder.administrator = AdminCaller(name: "\(issuer.name):\(name)", role: role)
            }
        }
        return holder
    }

    /// What a token lists, of what the configuration opens.
    private static func models(_ listed: [String], within bounds: [String]?) -> [String] {
        guard let bounds else { return listed.contains("*") ? ["*"] : listed }
        if listed.contains("*") { return bounds }
        let globs = bounds.map { ModelGlob($0) }
        return listed.filter { name in globs.contains { $0.matches(name) } }
    }

    /// Fetches the keys of every issuer at once: before the first request, and when a configuration changes.
    func prepare() async {
        await withDiscardingTaskGroup { group in
            for issuer in self.issuers where issuer.isDue(now: self.time.now()) {
                group.addTask { await issuer.refresh() }
            }
        }
    }

    /// Fetches keys that are due, and forgets what was found out with others.
    func refreshDue() async {
        for issuer in self.issuers where issuer.isDue(now: self.time.now()) {
            // A key that its issuer no longer shows opens nothing any more.
            guard await issuer.refresh() else { continue }
            self.state.withLock { state in
                state.holders = [:]
                state.generation += 1
            }
        }
    }
}
