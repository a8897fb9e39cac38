import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailTransport
import Synchronization

/// The public keys of an issuer, fetched beside the requests: at the start, again when they are old, and when a token names
/// one that is not there. What was fetched last is used as long as nothing better comes.
final class TokenKeys: Sendable {
    private struct State {
        var keys: JSONWebKeySet?
        var fetched: Instant?
        /// Whether a token named a key that is not there.
        var isWanted = false
        var hasFailed = false
    }

    /// The least time between two fetches, whatever tokens say: whoever sends made-up key names makes nobody busy.
    static let pause = Duration.seconds(10)
    /// How long a fetch may take.
    static let limit = Duration.seconds(10)

    let issuer: TokenIssuerConfiguration
    private let fetch: @Sendable (_ url: String) async throws(NeedletailError) -> JSONView
    private let time: TimeSource
    private let logger: Logger
    private let state = Mutex(State())

    init(
        _ issuer: TokenIssuerConfiguration, time: TimeSource, logger: Logger,
        fetch: @escaping @Sendable (_ url: String) async throws(NeedletailError) -> JSONView
    ) {
        self.issuer = issuer
        self.time = time
        self.logger = logger
        self.fetch = fetch
    }

    /// The keys; `nil` until they were had once.
    var keys: JSONWebKeySet? { self.state.withLock { $0.keys } }

    /// Asks for the keys to be fetched soon: a token named another.
    func want() { self.state.withLock { $0.isWanted = true } }

    /// Whether it is time to fetch.
    func isDue(now: Instant) -> Bool {
        self.state.withLock { state in
            guard let fetched = state.fetched else { return true }
            let age = now.duration(since: fetched)
            return age >= self.issuer.refresh || age >= Self.pause && (state.isWanted || state.keys == nil)
        }
    }

    /// Fetches the keys; those at hand stay if that fails.
    ///
    /// - Returns: Whether there are others now.
    @discardableResult
    func refresh() async -> Bool {
        self.state.withLock { state in
            state.fetched = self.time.now()
            state.isWanted = false
        }
        do throws(NeedletailError) {
            guard let keys = await JSONWebKeySet(try await self.fetch(try await self.url())), !keys.keys.isEmpty else {
                throw NeedletailError(.malformedReply, "there is no key for signatures in the answer")
            }
            self.state.withLock { state in
                state.keys = keys
                state.hasFailed = false
            }
            return true
        } catch {
            let isNew = self.state.withLock { state in
                defer { state.hasFailed = true }
                return !state.hasFailed
            }
            if isNew {
                self.logger.warning(
                    "The keys of the token issuer '\(self.issuer.name)' cannot be fetched; those at hand hold: \(error.message)"
                )
            }
            return false
        }
    }

    /// Where the keys are, as the configuration says or the issuer itself.
    private func url() async throws(NeedletailError) -> String {
        if let url = self.issuer.keysURL { return url }
        let base = self.issuer.issuer.hasSuffix("/") ? String(self.issuer.issuer.dropLast()) : self.issuer.issuer
        let document = try await self.fetch(base + "/.well-known/openid-configuration")
        guard document["issuer"]?.string == self.issuer.issuer else {
            throw NeedletailError(.malformedReply, "its discovery document is another issuer's")
        }
        guard let url = document["jwks_uri"]?.string, Self.isSafe(url) else {
            throw NeedletailError(.malformedReply, "its discovery document has no 'jwks_uri' that can be asked safely")
        }
        return url
    }

    /// Whether nobody on the way can put other keys in the place of these: TLS, or this machine.
    static func isSafe(_ url: String) -> Bool {
        guard let url = HTTPURL(url) else { return false }
        return url.isSecure || ListenAddress(host: url.host, port: url.port).isLoopback
    }
}
