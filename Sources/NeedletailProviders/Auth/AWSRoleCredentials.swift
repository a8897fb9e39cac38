import HTTPTypes
import NIOCore
public import NeedletailCore

/// The role of a container, as ECS and EKS lend it:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>.
public struct AWSContainerCredentials: AWSCredentialSource {
    private let server: AWSRoleServer
    private let path: String
    private let token: @Sendable () throws(NeedletailError) -> String?

    /// Creates a source.
    ///
    /// - Parameters:
    ///   - path: From `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, or the path of `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    ///   - token: What the `authorization` header is to say; read anew for each fetch, since its file changes.
    public init(
        transport: any HTTPTransport, path: String, time: TimeSource,
        token: @escaping @Sendable () throws(NeedletailError) -> String?
    ) {
        self.server = AWSRoleServer(transport: transport, time: time)
        self.path = path
        self.token = token
    }

    /// See ``AWSCredentialSource/credentials(deadline:)``.
    public func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
        var headers: HTTPFields = [:]
        if let token = try self.token() { headers[.authorization] = token }
        let body = try await self.server.ask(.get, self.path, headers, deadline: deadline)
        return try self.server.credentials(body)
    }
}

/// The role of a machine, from its metadata service (IMDSv2):
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html>.
public struct AWSInstanceCredentials: AWSCredentialSource {
    private static let path = "/latest/meta-data/iam/security-credentials/"
    /// How long the session's token lives: the most there is, in seconds.
    private static let tokenLifetime = "21600"

    private let server: AWSRoleServer

    /// Creates a source.
    ///
    /// - Parameter transport: To `http://169.254.169.254`.
    public init(transport: any HTTPTransport, time: TimeSource) {
        self.server = AWSRoleServer(transport: transport, time: time)
    }

    /// See ``AWSCredentialSource/credentials(deadline:)``. There are none on machines without the service or a role.
    public func credentials(deadline: Instant?) async throws(NeedletailError) -> AWSCredentials? {
        let body: ByteBuffer
        do {
            let lifetime = Self.headers("x-aws-ec2-metadata-token-ttl-seconds", Self.tokenLifetime)
            let token = try await self.server.ask(.put, "/latest/api/token", lifetime, deadline: deadline)
            let headers = Self.headers("x-aws-ec2-metadata-token", String(buffer: token))
            let list = String(buffer: try await self.server.ask(.get, Self.path, headers, deadline: deadline))
            guard let role = list.split(whereSeparator: \.isNewline).first else { return nil }
            body = try await self.server.ask(
                .get, Self.path + PathTemplate.encoded(String(role)), headers, deadline: deadline)
        } catch {
            // Not a machine of Amazon's, or one without a role.
            if error.code == .unreachable || error.code == .timedOut || error.code == .notFound { return nil }
            throw error
        }
        return try self.server.credentials(body)
    }

    private static func headers(_ name: String, _ value: String) -> HTTPFields {
        guard let name = HTTPField.Name(name) else { return [:] }
        return [name: value]
    }
}

/// What lends the keys of a role.
struct AWSRoleServer: Sendable {
    /// How long to wait: the service is on the same machine or not at all. The SDKs wait a second.
    private static let timeouts = Timeouts(
        connect: .seconds(1), firstToken: .seconds(2), idle: .seconds(2), total: .seconds(5))
    /// The largest answer that is read, in bytes.
    private static let maximumReplySize = 64 << 10

    let transport: any HTTPTransport
    let time: TimeSource

    func ask(
        _ method: HTTPRequest.Method, _ path: String, _ headers: HTTPFields, deadline: Instant?
    ) async throws(NeedletailError) -> ByteBuffer {
        let response = try await self.transport.send(
            TransportRequest(
                method: method, path: path, headers: headers, timeouts: Self.timeouts, deadline: deadline))
        guard response.status == 200 else {
            _ = await response.body.prefix(Self.maximumReplySize)
            let code = NeedletailError.code(forUpstreamStatus: response.status)
            switch code {
            case .notFound, .timedOut:
                throw NeedletailError(code, "The credentials' server answered \(response.status).")
            case .rateLimited, .upstreamFailed, .overloaded, .conflict:
                throw NeedletailError(.unreachable, "The credentials' server answered with status \(response.status).")
            default: throw Self.refusal("The credentials' server answered with status \(response.status).")
            }
        }
        return try await response.body.collect(upTo: Self.maximumReplySize)
    }

    /// Reads the keys out of an answer.
    func credentials(_ body: ByteBuffer) throws(NeedletailError) -> AWSCredentials {
        guard let root = try? JSONDocument(body).root, root.kind == .object else {
            throw Self.refusal("The credentials' server sent no JSON.")
        }
        if let code = root.present("Code")?.string, code != "Success" {
            throw Self.refusal("The credentials' server says \(code).")
        }
        guard let id = root.present("AccessKeyId")?.string, let key = root.present("SecretAccessKey")?.string else {
            throw Self.refusal("The credentials' server sent no keys.")
        }
        var credentials = AWSCredentials(
            accessKeyID: id, secretAccessKey: key, sessionToken: root.present("Token")?.string)
        if let end = root.present("Expiration")?.string.flatMap(AWSDate.seconds) {
            let left = min(max(0, end - self.time.wallSeconds()), 366 * 86_400)
            credentials.expires = self.time.now().advanced(by: .seconds(left))
        }
        return credentials
    }

    private static func refusal(_ words: String) -> NeedletailError {
        NeedletailError(
            .credentialRejected, "The gateway has no credentials for the provider.", cause: ProviderWords(words))
    }
}
