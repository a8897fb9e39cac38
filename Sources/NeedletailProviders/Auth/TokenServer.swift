import HTTPTypes
import NIOCore
public import NeedletailCore

/// One endpoint that gives out access tokens (RFC 6749, section 5).
public struct TokenServer: Sendable {
    /// How long a token may take: a request waits for it.
    static let timeouts = Timeouts(
        connect: .seconds(5), firstToken: .seconds(10), idle: .seconds(10), total: .seconds(20))
    /// The largest answer that is read, in bytes.
    static let maximumReplySize = 64 << 10
    /// How long a token lives whose server does not say, in seconds (RFC 6749 leaves it open; both clouds give an hour).
    static let defaultLifetime = 3600

    private let transport: any HTTPTransport
    private let path: String
    private let time: TimeSource

    /// Creates an endpoint behind `transport`.
    public init(transport: any HTTPTransport, path: String, time: TimeSource) {
        self.transport = transport
        self.path = path.isEmpty ? "/" : path
        self.time = time
    }

    /// Seconds since 1970, for assertions that a server checks.
    func wallSeconds() -> Int64 { self.time.wallSeconds() }

    /// Posts a form.
    func post(_ form: [(String, String)], deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        let text = form.map { "\(PathTemplate.encoded($0.0))=\(PathTemplate.encoded($0.1))" }.joined(separator: "&")
        return try await self.ask(
            TransportRequest(
                path: self.path,
                headers: [
                    .contentType: "application/x-www-form-urlencoded", .accept: "application/json",
                    .userAgent: "needletail",
                ],
                body: ByteBuffer(string: text), timeouts: Self.timeouts, deadline: deadline))
    }

    /// Asks with a header, as metadata servers want it.
    func get(_ headers: HTTPFields, deadline: Instant?) async throws(NeedletailError) -> AccessToken {
        try await self.ask(
            TransportRequest(
                method: .get, path: self.path, headers: headers, timeouts: Self.timeouts, deadline: deadline))
    }

    private func ask(_ request: TransportRequest) async throws(NeedletailError) -> AccessToken {
        let asked = self.time.now()
        let response = try await self.transport.send(request)
        guard response.status == 200 else {
            let body = await response.body.prefix(Self.maximumReplySize)
            throw Self.failure(response.status, body)
        }
        let bytes = try await response.body.collect(upTo: Self.maximumReplySize)
        guard let root = try? JSONDocument(bytes).root, let value = root.present("access_token")?.string,
            !value.isEmpty,
            value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw NeedletailError(.malformedReply, "The token server's answer holds no access token.")
        }
        // Azure's instance metadata writes the number as a string.
        let lifetime = root.present("expires_in").flatMap { $0.int ?? $0.string.flatMap { Int($0) } }
        let seconds = max(0, min(lifetime ?? Self.defaultLifetime, 366 * 86_400))
        return AccessToken(value, expires: asked.advanced(by: .seconds(seconds)))
    }

    /// What a refusal means. Its words go to the operator only.
    private static func failure(_ status: Int, _ body: ByteBuffer) -> NeedletailError {
        let root = try? JSONDocument(body).root
        let name = root?.present("error")?.string
        let words = ProviderWords(
            [name, root?.present("error_description")?.string].compactMap { $0 }.joined(separator: ": "))
        let upstream = NeedletailError.Upstream(status: status, code: name)
        switch NeedletailError.code(forUpstreamStatus: status) {
        case .rateLimited, .upstreamFailed, .overloaded, .timedOut, .conflict:
            return NeedletailError(
                .unreachable, "The provider's token server answered with status \(status).", upstream: upstream,
                cause: words)
        default:
            return NeedletailError(
                .credentialRejected, "The provider did not accept the gateway's credentials.", upstream: upstream,
                cause: words)
        }
    }
}
