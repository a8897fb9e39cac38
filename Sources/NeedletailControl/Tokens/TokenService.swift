import HTTPTypes
import Logging
import NIOCore
import NeedletailCore
import NeedletailTransport
import Synchronization

/// The tokens that a running gateway takes: a verifier for what serves, and the fetching of keys beside the requests.
final class TokenService: Sendable {
    private let verifier: Mutex<TokenVerifier>
    private let group: any EventLoopGroup
    private let environment: [String: String]
    private let time: TimeSource
    private let logger: Logger

    init(_ configuration: Configuration, _ surroundings: GatewayProcess.Surroundings) {
        self.group = surroundings.group
        self.environment = surroundings.environment
        self.time = surroundings.time
        self.logger = surroundings.logger
        self.verifier = Mutex(TokenVerifier([], time: surroundings.time))
        self.replace(configuration)
    }

    /// Who verifies; `nil` where no tokens are taken.
    var current: TokenVerifier? {
        let verifier = self.verifier.withLock { $0 }
        return verifier.issuers.isEmpty ? nil : verifier
    }

    /// Takes other issuers; keys of those that are told the same stay.
    func replace(_ configuration: Configuration) {
        let old = self.verifier.withLock { $0 }
        let issuers = configuration.tokenIssuers.map { issuer in
            old.issuers.first { $0.issuer == issuer }
                ?? TokenKeys(issuer, time: self.time, logger: self.logger) {
                    [group, environment, time, logger] url throws(NeedletailError) in
                    try await Self.fetch(url, group, environment, time, logger)
                }
        }
        let next = TokenVerifier(issuers, time: self.time)
        self.verifier.withLock { $0 = next }
    }

    /// Fetches the keys before the first request.
    func prepare() async { await self.current?.prepare() }

    /// Fetches keys when they are due, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await self.current?.refreshDue()
            do { try await self.time.sleep(self.time.now().advanced(by: .seconds(1))) } catch { return }
        }
    }

    /// Gets a JSON document, on a connection of its own: this happens every few minutes. Redirections are not followed.
    private static func fetch(
        _ url: String, _ group: any EventLoopGroup, _ environment: [String: String], _ time: TimeSource,
        _ logger: Logger
    ) async throws(NeedletailError) -> JSONView {
        let origin = try Origin(url: url)
        var options = TransportOptions()
        options.maximumConnections = 1
        if !ListenAddress(host: origin.host, port: origin.port).isLoopback {
            options.proxy = try ProxySetting.fromEnvironment(environment, for: origin)
        }
        let pool = try UpstreamPool(origin: origin, options: options, group: group, time: time, logger: logger)
        let result: Result<ByteBuffer, NeedletailError>
        do throws(NeedletailError) {
            let response = try await pool.send(
                TransportRequest(
                    method: .get, path: HTTPURL(url)?.path ?? "/", headers: [.accept: "application/json"],
                    body: ByteBuffer(), timeouts: Timeouts(), deadline: time.now().advanced(by: TokenKeys.limit)))
            guard response.status == 200 else {
                throw NeedletailError(.upstreamFailed, "it answers with status \(response.status)")
            }
            result = .success(try await response.body.collect(upTo: JSONWebKeySet.sizeLimit))
        } catch {
            result = .failure(error)
        }
        await pool.shutdown()
        do { return try JSONDocument(try result.get()).root } catch {
            throw (error as? NeedletailError) ?? NeedletailError(.malformedReply, "its answer is not JSON")
        }
    }
}
